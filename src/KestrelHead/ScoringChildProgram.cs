using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Hosting;
using FinanceIngest.Scoring.Isolation;
using Microsoft.AspNetCore.Builder;

namespace FinanceIngest.KestrelHead;

/// <summary>A scoring program as the child of another process of its own.</summary>
internal static class ScoringChildProgram
{
    /// <summary>Runs until standard input ends; the exit code is that of any program.</summary>
    /// <param name="args">The program's arguments, <see cref="ScoringChild.Argument"/> first.</param>
    /// <param name="program">The parent, whose configuration the child has too.</param>
    public static Task<int> RunAsync(string[] args, ProgramKind program) => ProgramHost.RunAsync(async () =>
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(ProgramHost.Arguments(args[1..]));
        Settings settings = SettingsReader.Read(builder.Configuration, program);
        builder.Logging.LogToStandardError(builder.Configuration);
        builder.Services.AddFinanceIngest(settings).AddScoringChild();

        // Built for the sake of its services and never run: no port is opened.
        await using WebApplication app = builder.Build();
        await ScoringChild.RunAsync(app.Services);
    });
}
