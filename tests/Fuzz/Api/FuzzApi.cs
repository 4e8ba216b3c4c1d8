using System.Text.Json;
using FinanceIngest.Baselines;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Fuzz.Engine;
using FinanceIngest.Http;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Transactions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Fuzz.Api;

/// <summary>The HTTP API, registered as in the programs, on queues and stores in memory.</summary>
internal sealed class FuzzApi
{
    /// <summary>The secrets of three keys, each with one scope.</summary>
    public const string SubmitKey = "submit-key", ReadKey = "read-key", AdminKey = "admin-key";

    private static readonly Lazy<FuzzApi> s_shared = new(() => new FuzzApi());
    private readonly Http.Api _api;

    private FuzzApi()
    {
        var settings = new Settings
        {
            DataDirectory = Path.GetTempPath(),
            IdSigningKey = "a signing key for fuzzing",
            Roles = Roles.Intake,
            OlderRouteWaitSeconds = 5,
            ApiKeys = [new("s", SubmitKey, Scopes.Submit), new("r", ReadKey, Scopes.Read), new("a", AdminKey, Scopes.All)],
        };
        var services = new ServiceCollection();
        services.AddSingleton<TimeProvider>(new InstantTime());
        services.AddLogging(logging => logging.AddProvider(Errors));
        services.AddFinanceIngest(settings);
        services.AddIntake(settings);
        services.AddBaselines();
        services.AddSingleton(new Queues(Inbound, new FuzzQueue("poison"), new FuzzQueue("alerts")));
        services.AddSingleton<IResultsStore>(new FuzzResultsStore());
        services.AddSingleton<IBaselineStore>(Baselines);
        ServiceProvider provider = services.BuildServiceProvider();
        _api = provider.GetRequiredService<Http.Api>();
        Ids = provider.GetRequiredService<IdCertifier>();
    }

    /// <summary>The instance that all targets share.</summary>
    public static FuzzApi Shared => s_shared.Value;

    /// <summary>The inbound queue.</summary>
    public FuzzQueue Inbound { get; } = new("transactions-inbound");

    /// <summary>The store of baselines.</summary>
    public FuzzBaselineStore Baselines { get; } = new();

    /// <summary>Makes and recognises ids.</summary>
    public IdCertifier Ids { get; }

    private LastError Errors { get; } = new();

    /// <summary>Handles a request, and checks the properties of every answer: it is never 500, it is JSON, and a problem has its members.</summary>
    public (int Status, JsonElement Body) Handle(FuzzRequest request)
    {
        Inbound.Take();
        ApiResponse response = _api.HandleAsync(request, CancellationToken.None).GetAwaiter().GetResult();

        // A head gives back what a request holds once its answer is sent.
        request.Dispose();
        if (response.Status == 500)
        {
            throw new PropertyException("no request makes the service fail", $"{Errors.Last}");
        }

        Property.Holds(
            response.Status is 200 or 202 or 400 or 401 or 403 or 404 or 405 or 410 or 413 or 415 or 422 or 429 or 503,
            "only documented statuses",
            $"{response.Status}");
        JsonElement body = JsonDocument.Parse(response.Body).RootElement;
        bool isProblem = response.ContentType == "application/problem+json";
        Property.Holds(
            isProblem == (response.Status >= 400 && !(response.Status == 503 && request.Path.StartsWith("/readyz", StringComparison.OrdinalIgnoreCase))),
            "failures are problems",
            $"{response.Status} {response.ContentType}");
        if (isProblem)
        {
            Property.Holds(
                body.GetProperty("type").GetString()!.StartsWith(Problem.TypePrefix, StringComparison.Ordinal)
                    && body.GetProperty("title").GetString()!.Length > 0
                    && body.GetProperty("status").GetInt32() == response.Status && body.GetProperty("detail").GetString() is not null,
                "a problem has its members",
                $"{body}");
        }

        foreach ((string name, string value) in response.Headers)
        {
            Property.Holds(!value.AsSpan().ContainsAny('\r', '\n', '\0'), "no header is split", $"{name}: {value}");
        }

        return (response.Status, body);
    }

    /// <summary>Returns the fields that an answer's <c>errors</c> name, in order.</summary>
    public static IEnumerable<string> WrongFields(JsonElement body) =>
        body.TryGetProperty("errors", out JsonElement errors) ? errors.EnumerateObject().Select(field => field.Name).Order(StringComparer.Ordinal) : [];

    /// <summary>Returns the transactions that the last request put on the inbound queue.</summary>
    public IReadOnlyList<Transaction> TakeTransactions()
    {
        var transactions = new List<Transaction>();
        foreach (string text in Inbound.Take())
        {
            var message = new EnvelopeReader(Inbound.Name, Ids).Read(
                new FuzzMessage { Id = "1", Body = text, InsertedAt = InstantTime.Now.UtcDateTime, DequeueCount = 1 });
            Property.Holds(
                message.PoisonReason is null && message.Unreadable.Count == 0,
                "what the intake writes the worker reads",
                $"{message.PoisonReason}: {text}");
            transactions.AddRange(message.Transactions);
        }

        return transactions;
    }

    // The API describes its own failures in the log only.
    private sealed class LastError : ILoggerProvider, ILogger
    {
        public string? Last { get; private set; }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Last = exception?.ToString() ?? formatter(state, exception);

        public void Dispose()
        {
        }
    }
}
