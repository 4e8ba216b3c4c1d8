using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Hosting;
using FinanceIngest.Scoring.Isolation;
using Microsoft.AspNetCore.Builder;

namespace FinanceIngest.KestrelHead;

/// <summary>A scoring program that was started as the child of a worker.</summary>
internal static class ScoringChildProgram
{
    /// <summary>Runs until standard input ends; the exit code is one of <see cref="ProgramHost"/>'s.</summary>
    /// <param name="args">The program's arguments, <see cref="ScoringChild.Argument"/> first.</param>
    /// <param name="program">The parent's program, whose configuration the child shares.</param>
    public static Task<int> RunAsync(string[] args, ProgramKind program) => ProgramHost.RunAsync(async () =>
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(ProgramHost.Arguments(args[1..]));
        Settings settings = SettingsReader.Read(builder.Configuration, program);
        builder.Logging.LogToStandardError(builder.Configuration);
        builder.Services.AddFinanceIngest(settings).AddScoringChild();

        // The application is built for its services alone and never run, so no port is opened.
        await using WebApplication app = builder.Build();
        await ScoringChild.RunAsync(app.Services);
    });
}
