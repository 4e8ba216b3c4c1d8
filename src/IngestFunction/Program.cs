using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Hosting;
using FinanceIngest.Observability;
using FinanceIngest.Transactions;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

return await ProgramHost.RunAsync(async () =>
{
    FunctionsApplicationBuilder builder = FunctionsApplication.CreateBuilder(args);
    Settings settings = SettingsReader.Read(builder.Configuration, ProgramKind.IngestFunction);
    builder.Services.AddTelemetryExport(builder.Configuration, "finance-ingest-function");
    builder.Services.AddFinanceIngest(settings);
    builder.Services.AddIntake(settings);
    builder.Services.AddQueueUpkeep();

    using IHost host = builder.Build();
    _ = host.Services.GetRequiredService<IdCertifier>();
    await EmbeddedFiles.CheckAsync(settings, TimeProvider.System, CancellationToken.None);
    await host.RunAsync();
});
