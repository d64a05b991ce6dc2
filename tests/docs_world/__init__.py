"""The samples in the pages, made by the commands themselves from a stack of this folder's own making."""
