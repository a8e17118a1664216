"""An application that uses the existing bemi-django: migration, middleware, ORM writes."""

import sys

import bemi
import django
from django.conf import settings
from django.core.management import call_command
from django.http import HttpResponse
from django.urls import path

assert not hasattr(bemi, "install"), "this is not the package that was meant"

host, port, user, name = sys.argv[1].split(",")
settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": user,
            "HOST": host,
            "PORT": port,
        }
    },
    INSTALLED_APPS=["bemi"],
    MIDDLEWARE=["bemi.BemiMiddleware"],
    BEMI_CONTEXT_FUNCTION="__main__.of_request",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="test",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.db import models  # noqa: E402


class Item(models.Model):
    id = models.IntegerField(primary_key=True)
    name = models.TextField()

    class Meta:
        app_label = "shop"
        db_table = "item"


def of_request(request: object) -> dict[str, object]:
    return {"user_id": 42, "path": request.path}  # type: ignore[attr-defined]


def edit(_: object) -> HttpResponse:
    Item.objects.create(id=1, name="a")
    Item.objects.filter(id=1).update(name="b")
    Item.objects.filter(id=1).delete()
    return HttpResponse()


urlpatterns = [path("edit", edit)]

if sys.argv[2] == "migrate":
    call_command("migrate", verbosity=0)
else:
    from django.test import Client

    Client().post("/edit")
