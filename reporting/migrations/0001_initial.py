
import django.db.models.deletion
import django.db.models.functions.datetime
import reporting.ids
import reporting.vault.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Colleague',
            fields=[
                ('actor', models.CharField(max_length=14, primary_key=True, serialize=False)),
                ('role', models.CharField(max_length=20)),
            ],
        ),
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.CharField(default=reporting.ids.message, max_length=14, primary_key=True, serialize=False)),
                ('from_office', models.BooleanField()),
                ('sealed', reporting.vault.fields.SealedField()),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='PartnerOffer',
            fields=[
                ('partner', models.CharField(max_length=14, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=120)),
                ('plain_words', models.TextField()),
                ('reviewed_on', models.DateField()),
            ],
        ),
        migrations.CreateModel(
            name='Person',
            fields=[
                ('id', models.CharField(default=reporting.ids.person, max_length=14, primary_key=True, serialize=False)),
                ('role', models.CharField(choices=[('harmed', 'Harmed'), ('helper', 'Helper'), ('suspected', 'Suspected'), ('witness', 'Witness')], max_length=10)),
            ],
        ),
        migrations.CreateModel(
            name='Pulse',
            fields=[
                ('name', models.CharField(max_length=60, primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Quarantine',
            fields=[
                ('thing', models.CharField(max_length=14, primary_key=True, serialize=False)),
                ('state', models.CharField(choices=[('quarantined', 'Closed'), ('destroyed', 'Destroyed'), ('preserved', 'Preserved'), ('released', 'Released')], default='quarantined', max_length=12)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name='Report',
            fields=[
                ('id', models.CharField(default=reporting.ids.report, max_length=14, primary_key=True, serialize=False)),
                ('state', models.CharField(choices=[('draft', 'Draft'), ('received', 'Received'), ('in_triage', 'In Triage'), ('accepted', 'Accepted'), ('joined', 'Joined'), ('needs_answer', 'Needs Answer'), ('out_of_scope', 'Out Of Scope'), ('declined', 'Declined'), ('withdrawn', 'Withdrawn'), ('erased', 'Erased'), ('not_sent', 'Not Sent')], default='draft', max_length=12)),
                ('language', models.CharField(default='en', max_length=10)),
                ('started_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('submitted_at', models.DateTimeField(null=True)),
                ('news_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='ReporterSession',
            fields=[
                ('token_hash', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('keys', reporting.vault.fields.SealedField()),
                ('started_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('used_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name='ReturnCodeWrap',
            fields=[
                ('lookup', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('wrapped', reporting.vault.fields.SealedField()),
            ],
        ),
        migrations.CreateModel(
            name='UploadReservation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('report_id', models.CharField(db_index=True, max_length=14)),
                ('bytes', models.BigIntegerField()),
                ('until', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='OfficeWrap',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(db_index=True, max_length=14)),
                ('key_id', models.CharField(max_length=16)),
                ('wrapped', reporting.vault.fields.SealedField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('subject', 'key_id'), name='office_wrap_once')],
            },
        ),
        migrations.CreateModel(
            name='Incident',
            fields=[
                ('id', models.CharField(default=reporting.ids.incident, max_length=14, primary_key=True, serialize=False)),
                ('reported_type', models.CharField(max_length=30)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='incidents', to='reporting.person')),
            ],
        ),
        migrations.CreateModel(
            name='FileGroup',
            fields=[
                ('id', models.CharField(default=reporting.ids.file_group, max_length=14, primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='file_groups', to='reporting.person')),
            ],
        ),
        migrations.CreateModel(
            name='EvidenceItem',
            fields=[
                ('id', models.CharField(default=reporting.ids.evidence_item, max_length=14, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('file', 'File'), ('link', 'Link'), ('account', 'Account')], max_length=10)),
                ('state', models.CharField(choices=[('kept', 'Kept'), ('verified', 'Verified'), ('integrity_failed', 'Integrity Failed')], default='kept', max_length=20)),
                ('acquisition', reporting.vault.fields.SealedField()),
                ('vault_name', models.CharField(default='', max_length=40)),
                ('ciphertext_size', models.BigIntegerField(default=0)),
                ('ciphertext_sha256', models.CharField(default='', max_length=64)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('group', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='items', to='reporting.filegroup')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='items', to='reporting.person')),
            ],
        ),
        migrations.CreateModel(
            name='Consent',
            fields=[
                ('id', models.CharField(default=reporting.ids.consent, max_length=14, primary_key=True, serialize=False)),
                ('partner', models.CharField(max_length=14)),
                ('answer', models.CharField(choices=[('yes', 'Yes'), ('not_now', 'Not Now'), ('never', 'Never')], max_length=10)),
                ('expires_at', models.DateTimeField()),
                ('statement', models.TextField()),
                ('signature', models.BinaryField()),
                ('at', models.DateTimeField()),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='consents', to='reporting.person')),
            ],
        ),
        migrations.CreateModel(
            name='Answer',
            fields=[
                ('id', models.CharField(default=reporting.ids.answer, max_length=14, primary_key=True, serialize=False)),
                ('question', models.CharField(max_length=30)),
                ('sealed', reporting.vault.fields.SealedField()),
                ('at', models.DateTimeField()),
                ('group', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='answers', to='reporting.filegroup')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='answers', to='reporting.person')),
            ],
        ),
        migrations.CreateModel(
            name='Receipt',
            fields=[
                ('report', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='receipt', serialize=False, to='reporting.report')),
                ('body', models.TextField()),
                ('signature', models.BinaryField()),
                ('certificate', models.TextField()),
                ('proof', models.TextField(default='')),
                ('sent', models.TextField(default='')),
            ],
        ),
        migrations.AddIndex(
            model_name='report',
            index=models.Index(condition=models.Q(('state__in', ['received', 'in_triage'])), fields=['submitted_at'], name='report_waiting'),
        ),
        migrations.AddIndex(
            model_name='report',
            index=models.Index(condition=models.Q(('state', 'draft')), fields=['started_at'], name='report_drafts'),
        ),
        migrations.AddIndex(
            model_name='report',
            index=models.Index(condition=models.Q(('news_at', None), _negated=True), fields=['news_at'], name='report_news'),
        ),
        migrations.AddConstraint(
            model_name='report',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['draft', 'erased']), ('submitted_at', None)), models.Q(models.Q(('state', 'draft'), _negated=True), models.Q(('submitted_at', None), _negated=True)), _connector='OR'), name='report_sent_once'),
        ),
        migrations.AddField(
            model_name='quarantine',
            name='report',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='quarantines', to='reporting.report'),
        ),
        migrations.AddField(
            model_name='person',
            name='report',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='people', to='reporting.report'),
        ),
        migrations.AddField(
            model_name='message',
            name='report',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='reporting.report'),
        ),
        migrations.AddField(
            model_name='incident',
            name='report',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='incidents', to='reporting.report'),
        ),
        migrations.AddField(
            model_name='filegroup',
            name='report',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='file_groups', to='reporting.report'),
        ),
        migrations.AddField(
            model_name='evidenceitem',
            name='report',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='items', to='reporting.report'),
        ),
        migrations.AddField(
            model_name='consent',
            name='report',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='consents', to='reporting.report'),
        ),
        migrations.AddField(
            model_name='answer',
            name='report',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='answers', to='reporting.report'),
        ),
        migrations.AddField(
            model_name='reportersession',
            name='report',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='reporting.report'),
        ),
        migrations.AddField(
            model_name='returncodewrap',
            name='report',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, to='reporting.report'),
        ),
        migrations.AddIndex(
            model_name='receipt',
            index=models.Index(condition=models.Q(('proof', '')), fields=['report'], name='receipt_unconfirmed'),
        ),
        migrations.AddIndex(
            model_name='quarantine',
            index=models.Index(condition=models.Q(('state', 'quarantined')), fields=['at'], name='quarantine_waiting'),
        ),
        migrations.AddConstraint(
            model_name='person',
            constraint=models.UniqueConstraint(fields=('report', 'role'), name='person_one_of_each_role'),
        ),
        migrations.AddIndex(
            model_name='evidenceitem',
            index=models.Index(condition=models.Q(('kind', 'file'), ('state', 'kept')), fields=['report'], name='item_to_verify'),
        ),
        migrations.AddIndex(
            model_name='consent',
            index=models.Index(fields=['report', 'partner', '-at'], name='consent_latest'),
        ),
        migrations.AddIndex(
            model_name='answer',
            index=models.Index(fields=['report', 'question', '-at'], name='answer_latest'),
        ),
    ]
