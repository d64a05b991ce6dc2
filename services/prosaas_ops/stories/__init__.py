"""Facts from several sources joined, as data: nothing here prints."""
