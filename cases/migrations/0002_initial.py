
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('cases', '0001_initial'),
        ('reporting', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='case',
            name='assigned_to',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='casereport',
            name='case',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='case_reports', to='cases.case'),
        ),
        migrations.AddField(
            model_name='casereport',
            name='report',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='case_report', to='reporting.report'),
        ),
        migrations.CreateModel(
            name='Disclosure',
            fields=[
                ('referral', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='disclosure', serialize=False, to='cases.referral')),
                ('token_hash', models.CharField(max_length=64, null=True, unique=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('disclosed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('collected_at', models.DateTimeField(null=True)),
                ('taken_back_at', models.DateTimeField(null=True)),
                ('told_at', models.DateTimeField(null=True)),
                ('acknowledged_at', models.DateTimeField(null=True)),
                ('answer', models.CharField(blank=True, max_length=20)),
            ],
        ),
        migrations.CreateModel(
            name='Package',
            fields=[
                ('referral', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='package', serialize=False, to='cases.referral')),
                ('name', models.CharField(max_length=60)),
                ('vault_name', models.CharField(max_length=40)),
                ('encrypted_size', models.BigIntegerField()),
                ('encrypted_sha256', models.CharField(max_length=64)),
                ('tagmanifest_sha256', models.CharField(max_length=64)),
                ('items', models.JSONField(default=list)),
                ('built_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.AddField(
            model_name='referral',
            name='approved_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='referral',
            name='case',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='referrals', to='cases.case'),
        ),
        migrations.AddField(
            model_name='referral',
            name='consent',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to='reporting.consent'),
        ),
        migrations.AddField(
            model_name='referral',
            name='prepared_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='referral',
            name='report',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='referrals', to='reporting.report'),
        ),
        migrations.AddField(
            model_name='referral',
            name='reviewed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='note',
            name='author',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='note',
            name='case',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notes', to='cases.case'),
        ),
        migrations.AddField(
            model_name='referral',
            name='partner_key',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to='cases.partnerkey'),
        ),
        migrations.AddField(
            model_name='partnerkey',
            name='added_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='partnerkey',
            name='checked_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='partnerkey',
            name='partner',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='keys', to='cases.partner'),
        ),
        migrations.AddField(
            model_name='quarantinedecision',
            name='confirmed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='quarantinedecision',
            name='proposed_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='quarantinedecision',
            name='quarantine',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='reporting.quarantine'),
        ),
        migrations.AddIndex(
            model_name='assessment',
            index=models.Index(condition=models.Q(('current', True)), fields=['band', 'at'], name='assessment_queue'),
        ),
        migrations.AddConstraint(
            model_name='assessment',
            constraint=models.UniqueConstraint(condition=models.Q(('current', True)), fields=('report',), name='assessment_one_current'),
        ),
        migrations.AddIndex(
            model_name='referral',
            index=models.Index(fields=['state', 'prepared_at'], name='referral_by_state'),
        ),
        migrations.AddConstraint(
            model_name='referral',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('approved_at', None), ('approved_by', None)), models.Q(models.Q(('approved_at', None), _negated=True), models.Q(('approved_by', None), _negated=True), models.Q(('approved_by', models.F('prepared_by')), _negated=True)), _connector='OR'), name='referral_two_people'),
        ),
        migrations.AddConstraint(
            model_name='referral',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reviewed_at', None), ('reviewed_by', None)), models.Q(models.Q(('reviewed_at', None), _negated=True), models.Q(('reviewed_by', None), _negated=True), models.Q(('reviewed_by', models.F('prepared_by')), _negated=True)), _connector='OR'), name='referral_reviewed_by_another'),
        ),
        migrations.AddConstraint(
            model_name='referral',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'reviewed'), _negated=True), models.Q(('reviewed_by', None), _negated=True), _connector='OR'), name='referral_reviewed_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='referral',
            constraint=models.CheckConstraint(condition=models.Q(('lane', 'emergency'), ('state__in', ['draft', 'prepared']), models.Q(models.Q(('approved_by', None), _negated=True), models.Q(models.Q(('consent', None), _negated=True), models.Q(('legal_basis', ''), _negated=True), _connector='OR')), _connector='OR'), name='referral_has_basis_and_approval'),
        ),
        migrations.AddConstraint(
            model_name='partnerkey',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('checked_at', None), ('checked_by', None)), models.Q(models.Q(('checked_at', None), _negated=True), models.Q(('checked_by', None), _negated=True), models.Q(('checked_by', models.F('added_by')), _negated=True)), _connector='OR'), name='partner_key_checked_by_another'),
        ),
        migrations.AddConstraint(
            model_name='quarantinedecision',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('confirmed_at', None), ('confirmed_by', None)), models.Q(models.Q(('confirmed_at', None), _negated=True), models.Q(('confirmed_by', None), _negated=True), models.Q(('confirmed_by', models.F('proposed_by')), _negated=True)), _connector='OR'), name='quarantine_two_people'),
        ),
        migrations.AddConstraint(
            model_name='quarantinedecision',
            constraint=models.UniqueConstraint(condition=models.Q(('confirmed_at', None)), fields=('quarantine',), name='quarantine_one_open_decision'),
        ),
    ]
