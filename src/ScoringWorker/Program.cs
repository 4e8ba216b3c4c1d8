using FinanceIngest.Configuration;
using FinanceIngest.Hosting;
using FinanceIngest.KestrelHead;
using FinanceIngest.Observability;
using FinanceIngest.Scoring.Isolation;
using FinanceIngest.Transactions;

if (ScoringChild.IsWanted(args))
{
    return await ScoringChildProgram.RunAsync(args, ProgramKind.ScoringWorker);
}

// The worker answers no requests but those of probes: /healthz and /readyz.
return await ProgramHost.RunAsync(async () =>
{
    WebApplicationBuilder builder = WebApplication.CreateBuilder(ProgramHost.Arguments(args));
    Settings settings = SettingsReader.Read(builder.Configuration, ProgramKind.ScoringWorker);
    builder.Logging.LogToStandardError(builder.Configuration);
    ListenAddresses.Configure(builder, settings, defaultPort: 7072);

    builder.Services.AddTelemetryExport(builder.Configuration, "finance-ingest-worker", ApiHead.AddRequestSpans);
    builder.Services.AddFinanceIngest(settings);
    builder.Services.AddApi(settings);
    builder.Services.AddBackgroundRoles(settings);

    await using WebApplication app = builder.Build();
    _ = app.Services.GetRequiredService<IdCertifier>();
    app.UseApi(settings);
    ProgramEnd end = app.Services.GetRequiredService<ProgramEnd>();
    await app.RunAsync();
    end.ThrowIfCaused();
});
