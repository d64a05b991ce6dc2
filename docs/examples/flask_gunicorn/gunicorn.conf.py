"""gunicorn reads this first, so logging is there for its own lines too; the workers it forks follow by themselves."""

from prosaas_logging import bootstrap

bootstrap("shop")

workers = 2
