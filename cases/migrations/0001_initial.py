
import cases.models.case
import cases.models.partner
import cases.models.referral
import django.db.models.deletion
import django.db.models.functions.datetime
import reporting.vault.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('reporting', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.CharField(default=cases.models.case.case_id, max_length=14, primary_key=True, serialize=False)),
                ('state', models.CharField(choices=[('new', 'New'), ('assessment', 'Assessment'), ('planning', 'Planning'), ('action', 'Action'), ('follow_up', 'Follow Up'), ('closed', 'Closed'), ('reopened', 'Reopened')], default='new', max_length=12)),
                ('opened_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name='CaseReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name='Claim',
            fields=[
                ('work', models.CharField(max_length=60, primary_key=True, serialize=False)),
                ('until', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Referral',
            fields=[
                ('id', models.CharField(default=cases.models.referral.referral_id, max_length=14, primary_key=True, serialize=False)),
                ('lane', models.CharField(choices=[('ordinary', 'Ordinary'), ('emergency', 'Emergency')], default='ordinary', max_length=10)),
                ('state', models.CharField(choices=[('draft', 'Draft'), ('prepared', 'Prepared'), ('approved', 'Approved'), ('built', 'Built'), ('disclosed', 'Disclosed'), ('acknowledged', 'Acknowledged'), ('outcome', 'Outcome'), ('rejected', 'Rejected'), ('silent', 'Silent'), ('recalled', 'Recalled'), ('reviewed', 'Reviewed')], default='draft', max_length=14)),
                ('profile', models.CharField(default='le-full', max_length=20)),
                ('legal_basis', models.CharField(blank=True, choices=[('court_order', 'An order of a court or prosecutor'), ('duty_to_report', 'A law obliges us to report it'), ('threat_to_life', 'A life is in danger'), ('other', 'Another legal basis')], max_length=20)),
                ('items', models.JSONField(default=list)),
                ('prepared_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('approved_at', models.DateTimeField(null=True)),
                ('build_failed_at', models.DateTimeField(null=True)),
                ('build_failure', models.CharField(blank=True, max_length=80)),
                ('reviewed_at', models.DateTimeField(null=True)),
                ('salt', models.CharField(default=cases.models.referral.new_salt, max_length=32)),
            ],
        ),
        migrations.CreateModel(
            name='Note',
            fields=[
                ('id', models.CharField(default=cases.models.case.note_id, max_length=14, primary_key=True, serialize=False)),
                ('sealed', reporting.vault.fields.SealedField()),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Partner',
            fields=[
                ('id', models.CharField(default=cases.models.partner.partner_id, max_length=14, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=120)),
                ('kind', models.CharField(choices=[('police', 'Police'), ('hotline', 'Hotline')], max_length=20)),
                ('phone', models.CharField(blank=True, max_length=40)),
            ],
        ),
        migrations.CreateModel(
            name='PartnerKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_key', models.CharField(max_length=80, unique=True)),
                ('checked_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField()),
                ('added_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name='QuarantineDecision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('choice', models.CharField(choices=[('destroyed', 'Reported to the authority, destroy our copy'), ('preserved', 'Preserve, closed to everybody'), ('released', 'It shows no child: release')], max_length=10)),
                ('proposed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('confirmed_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Assessment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('band', models.SmallIntegerField(choices=[(0, 'P0 · danger now'), (1, 'P1 · today'), (2, 'P2 · this week'), (3, 'P3 · on record')])),
                ('reasons', models.JSONField(default=list)),
                ('actionability', models.SmallIntegerField()),
                ('by', models.CharField(max_length=60)),
                ('at', models.DateTimeField()),
                ('current', models.BooleanField(default=True)),
                ('report', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assessments', to='reporting.report')),
            ],
        ),
    ]
