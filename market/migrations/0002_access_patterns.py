"""Tags of headlines carry the headline's time, so that a coin's newest headlines are one query.

The table is the one that Django made for `Article.coins`; it gets a column and an index.
"""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


def date_tags(apps, schema_editor):
    """Give each tag the time of its headline, an article at a time."""
    article, tag = apps.get_model('market', 'Article'), apps.get_model('market', 'Tag')
    alias = schema_editor.connection.alias
    for key, at in article.objects.using(alias).values_list('pk', 'published_at').iterator():
        tag.objects.using(alias).filter(article_id=key).update(published_at=at)


class Migration(migrations.Migration):

    dependencies = [
        ('market', '0001_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='watchlistitem',
            name='coin',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='market.coin'),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='Tag',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('article', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='market.article')),
                        ('coin', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='market.coin')),
                    ],
                    options={
                        'db_table': 'market_article_coins',
                        'unique_together': {('article', 'coin')},
                    },
                ),
                migrations.AlterField(
                    model_name='article',
                    name='coins',
                    field=models.ManyToManyField(blank=True, related_name='articles', through='market.Tag', to='market.coin'),
                ),
            ],
        ),
        migrations.AddField(
            model_name='tag',
            name='published_at',
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.RunPython(date_tags, migrations.RunPython.noop, atomic=False),
        migrations.AddIndex(
            model_name='tag',
            index=models.Index(fields=['coin', 'published_at'], name='tag_newest'),
        ),
    ]
