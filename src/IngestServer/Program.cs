using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.IngestServer.Page;
using FinanceIngest.KestrelHead;

return await KestrelProgram.RunAsync(args, ProgramKind.IngestServer, "finance-ingest-server", defaultPort: 7071, (services, settings) =>
{
    if (settings.Roles.HasFlag(Roles.Intake))
    {
        services.AddIntake(settings);
        services.AddOverview();
        services.AddBaselines();
        services.AddCaseViews();
        services.AddSingleton<IEndpoints, PageEndpoints>();
    }
});
