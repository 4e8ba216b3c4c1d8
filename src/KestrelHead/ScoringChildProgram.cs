using FinanceIngest.Configuration;
using FinanceIngest.Hosting;
using FinanceIngest.Scoring.Isolation;
using Microsoft.AspNetCore.Builder;

namespace FinanceIngest.KestrelHead;

/// <summary>A scoring program as the child of another process of its own.</summary>
public static class ScoringChildProgram
{
    /// <summary>Runs until standard input ends; exit code as of any program.</summary>
    /// <param name="args">The program's arguments, <see cref="ScoringChild.Argument"/> first.</param>
    /// <param name="program">Which program.</param>
    public static Task<int> RunAsync(string[] args, ProgramKind program) => ProgramHost.RunAsync(async () =>
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(ProgramHost.Arguments(args[1..]));
        ScoringChild.Configure(builder, program);

        // Built for the sake of its configuration and never run: no port is opened.
        await using WebApplication app = builder.Build();
        await ScoringChild.RunAsync(app.Services);
    });
}
