using FinanceIngest.Cli.Running;

return await CommandLine.RunAsync(args, CliHost.OfThisProcess());
