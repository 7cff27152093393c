
import django.db.models.deletion
import reporting.vault.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Checkpoint',
            fields=[
                ('size', models.BigIntegerField(primary_key=True, serialize=False)),
                ('note', models.TextField()),
                ('at', models.DateTimeField()),
                ('time_stamp', models.BinaryField(default=b'')),
                ('outside_time_stamp', models.BinaryField(default=b'')),
            ],
        ),
        migrations.CreateModel(
            name='CustodyEvent',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('subject', models.CharField(max_length=14)),
                ('seq', models.BigIntegerField()),
                ('event', models.CharField(max_length=60)),
                ('object', models.CharField(max_length=14)),
                ('object_sha256', models.CharField(max_length=64)),
                ('actor', models.CharField(max_length=60)),
                ('door', models.CharField(max_length=20)),
                ('at', models.DateTimeField()),
                ('detail_hash', models.CharField(max_length=64)),
                ('detail_sealed_sha256', models.CharField(max_length=64)),
                ('previous', models.CharField(max_length=64)),
                ('canonical', models.TextField()),
                ('leaf', models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name='CustodyHead',
            fields=[
                ('subject', models.CharField(max_length=14, primary_key=True, serialize=False)),
                ('seq', models.BigIntegerField()),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Place',
            fields=[
                ('tree_index', models.BigIntegerField(primary_key=True, serialize=False)),
                ('event_id', models.BigIntegerField(unique=True)),
            ],
        ),
        migrations.CreateModel(
            name='Tile',
            fields=[
                ('level', models.SmallIntegerField()),
                ('n', models.BigIntegerField()),
                ('width', models.SmallIntegerField()),
                ('hashes', models.BinaryField()),
                ('pk', models.CompositePrimaryKey('level', 'n', blank=True, editable=False, primary_key=True, serialize=False)),
            ],
        ),
        migrations.CreateModel(
            name='WaitingEvent',
            fields=[
                ('event_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('leaf', models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name='CustodyDetail',
            fields=[
                ('event', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, serialize=False, to='custody.custodyevent')),
                ('founding', models.TextField(default='')),
                ('sealed', reporting.vault.fields.SealedField(default=b'')),
            ],
        ),
        migrations.AddIndex(
            model_name='custodyevent',
            index=models.Index(condition=models.Q(('object', models.F('subject')), _negated=True), fields=['object'], name='custody_by_object'),
        ),
        migrations.AddIndex(
            model_name='custodyevent',
            index=models.Index(condition=models.Q(('event', 'key:given')), fields=['actor', 'at'], name='custody_keys_given'),
        ),
        migrations.AddConstraint(
            model_name='custodyevent',
            constraint=models.UniqueConstraint(fields=('subject', 'seq'), name='custody_one_chain'),
        ),
        migrations.AddConstraint(
            model_name='custodyevent',
            constraint=models.UniqueConstraint(condition=models.Q(('event', 'key:given')), fields=('object_sha256',), name='custody_one_key'),
        ),
    ]
