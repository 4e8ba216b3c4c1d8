using FinanceIngest.Configuration;
using FinanceIngest.KestrelHead;

// The worker answers no requests but those of probes: /healthz and /readyz.
return await KestrelProgram.RunAsync(args, ProgramKind.ScoringWorker, "finance-ingest-worker", defaultPort: 7072);
