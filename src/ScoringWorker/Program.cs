using FinanceIngest.Configuration;
using FinanceIngest.KestrelHead;

// The worker answers the requests of probes only: /healthz and /readyz.
return await KestrelProgram.RunAsync(args, ProgramKind.ScoringWorker, "finance-ingest-worker", defaultPort: 7072);
