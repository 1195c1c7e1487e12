"""What the admin has beyond the apps' own pages: people, and what the lists show of the running proxy."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from proxysite import live, serving
from proxysite.dashboards import asking, connection, health
from routing import admin as routing_admin
from routing import record_admin
from routing.forms import UpstreamForm
from routing.snapshot import RoutingTable
from validation import admin as validation_admin
from validation.models import ValidationFailure
from validation.repair import FAMILIES
from validation.repair import settings as repair

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "is_active", "is_staff", "is_superuser", "last_login"]
    list_filter = ["is_active", "is_superuser"]
    list_filter_sheet = False
    fieldsets = [
        (None, {"fields": ["username", "password", "email"]}),
        ("May", {"fields": ["is_active", "is_staff", "is_superuser", "groups"]}),
    ]


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    pass


def _silent_validators() -> frozenset[str]:
    return frozenset(alarm.what for alarm in serving.alarms())


def _table_in_force() -> RoutingTable:
    return (live.current() or live.reload()).routing


routing_admin.running.detected_kind = live.detected_kind
routing_admin.running.health = health.context
routing_admin.running.reset_health = serving.reset_health
routing_admin.running.table = _table_in_force
routing_admin.running.tested = connection.tested
UpstreamForm.repair_problem = staticmethod(lambda words: repair.problem(words, FAMILIES))
validation_admin.running.asked = asking.asked
validation_admin.running.silent = _silent_validators


def _failures_link(request_id: str) -> str:
    """Where the bad answers of a request are listed, blank if it had none."""
    if not ValidationFailure.objects.filter(request_id=request_id).exists():
        return ""
    return reverse("admin:validation_validationfailure_changelist") + f"?q={request_id}"


record_admin.beside.failures_link = _failures_link
