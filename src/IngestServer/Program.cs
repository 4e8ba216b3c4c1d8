using FinanceIngest.Configuration;
using FinanceIngest.Hosting;
using FinanceIngest.Http;
using FinanceIngest.IngestServer.Dashboard;
using FinanceIngest.KestrelHead;
using FinanceIngest.Observability;
using FinanceIngest.Scoring.Isolation;
using FinanceIngest.Transactions;

if (ScoringChild.IsWanted(args))
{
    return await ScoringChildProgram.RunAsync(args, ProgramKind.IngestServer);
}

return await ProgramHost.RunAsync(async () =>
{
    WebApplicationBuilder builder = WebApplication.CreateBuilder(ProgramHost.Arguments(args));
    Settings settings = SettingsReader.Read(builder.Configuration, ProgramKind.IngestServer);
    builder.Logging.LogToStandardError(builder.Configuration);
    ListenAddresses.Configure(builder, settings, defaultPort: 7071);

    builder.Services.AddTelemetryExport(builder.Configuration, "finance-ingest-server", ApiHead.AddRequestSpans);
    builder.Services.AddFinanceIngest(settings);
    if (settings.Roles.HasFlag(Roles.Intake))
    {
        builder.Services.AddIntake(settings);
        builder.Services.AddSingleton<IEndpoints, DashboardEndpoints>();
    }

    builder.Services.AddApi(settings);
    builder.Services.AddBackgroundRoles(settings);

    await using WebApplication app = builder.Build();
    _ = app.Services.GetRequiredService<IdCertifier>();
    app.UseApi(settings);
    ProgramEnd end = app.Services.GetRequiredService<ProgramEnd>();
    await app.RunAsync();
    end.ThrowIfCaused();
});
