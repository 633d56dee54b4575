from django.db import migrations, models

from cryptopulse.engine import is_dynamodb, reading_all


def note_coins(apps, schema_editor):
    """Note the coins of the alerts that are there, where ticks ask for it."""
    if not is_dynamodb():
        return
    AlertedCoin = apps.get_model("alerts", "AlertedCoin")
    with reading_all("a migration notes which coins have alerts"):
        alerts = apps.get_model("alerts", "PriceAlert").objects.order_by()
        coin_ids = sorted(set(alerts.values_list("coin_id", flat=True).iterator()))
    for first in range(0, len(coin_ids), 50):
        AlertedCoin.objects.bulk_create(
            [AlertedCoin(id=coin_id) for coin_id in coin_ids[first : first + 50]],
            ignore_conflicts=True,
        )


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0003_portals"),
    ]

    operations = [
        migrations.CreateModel(
            name="AlertedCoin",
            fields=[
                ("id", models.CharField(max_length=128, primary_key=True, serialize=False)),
            ],
        ),
        migrations.RunPython(note_coins, migrations.RunPython.noop, atomic=False),
    ]
