using System.Text;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using FinanceIngest.Baselines;
using FinanceIngest.Ground;
using FinanceIngest.Intake;
using FinanceIngest.Queueing;
using FinanceIngest.Scoring;
using FinanceIngest.SigningKeys;
using FinanceIngest.Transactions;

namespace FinanceIngest.Micro;

/// <summary>The functions that every transaction passes through, except for storage. All figures are per transaction.</summary>
[MemoryDiagnoser]
public class HotFunctions
{
    // About the number of transactions in a full message.
    private const int Transactions = 200;

    private readonly IdCertifier _ids = new("the signing key of all benchmarks", TimeProvider.System);
    private readonly ZScoreRule _rule = new(threshold: 3, minimumSamples: 2);
    private readonly Baseline _baseline = new(2000, 500, 40);
    private readonly byte[] _body = Encoding.UTF8.GetBytes(
        """{"user_id": 399, "category_id": 2310, "amount": 6000.25, "occurred_at": "2026-01-31T12:00:00Z"}""");
    private readonly DateTime _now = new(2026, 1, 31, 12, 0, 0, DateTimeKind.Utc);
    private Transaction[] _transactions = [];
    private TransactionFactory _factory = null!;
    private QueuedMessage _message = null!;

    /// <summary>Makes the inputs.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        var signingKey = new SigningKey("a signing key", path: null, TimeProvider.System, new DependencyStatus("signing_key"));
        _factory = new TransactionFactory(_ids, signingKey, TimeProvider.System);
        _transactions = [.. Enumerable.Range(0, Transactions).Select(i => new Transaction(_ids.NewId(), 399 + i, 2310, new Money(60_000_000 + i), _now, _now))];
        _message = new QueuedMessage { Id = "m", Body = EncodeEnvelope(), InsertedAt = _now, DequeueCount = 1 };
    }

    /// <summary>Decodes a message of the inbound queue, and checks its ids.</summary>
    [Benchmark(OperationsPerInvoke = Transactions, Description = "decode an envelope")]
    public object? DecodeEnvelope() => new EnvelopeReader("transactions-inbound", _ids).Read(_message);

    /// <summary>Encodes transactions as a message.</summary>
    [Benchmark(OperationsPerInvoke = Transactions, Description = "encode an envelope")]
    public string EncodeEnvelope()
    {
        var envelope = new EnvelopeBuilder(traceParent: null);
        foreach (Transaction transaction in _transactions)
        {
            envelope.TryAdd(transaction);
        }

        return envelope.ToBody().Text;
    }

    /// <summary>Reads the fields of a request's body.</summary>
    [Benchmark(Description = "parse and validate a body")]
    public object? Validate() => ReadFields();

    /// <summary>Reads the fields of a request's body, and makes a transaction with a new id.</summary>
    [Benchmark(Description = "accept a body: validate, make the transaction and its id")]
    public object? Accept() => _factory.Create(ReadFields(), headerKey: null);

    /// <summary>Checks the certificate of an id.</summary>
    [Benchmark(Description = "check an id's certificate")]
    public bool IsIssued() => _ids.IsIssued(_transactions[0].Id);

    /// <summary>Scores a transaction.</summary>
    [Benchmark(Description = "score")]
    public object? Score() => _rule.Score(_transactions[0], _baseline, _now);

    /// <summary>A message that is never settled.</summary>
    private sealed class QueuedMessage : LeasedMessage
    {
        public override Task<bool> TryDeleteAsync(CancellationToken cancellationToken) => Task.FromResult(true);

        public override Task<bool> TryExtendAsync(TimeSpan lease, CancellationToken cancellationToken) => Task.FromResult(true);
    }

    private TransactionFields ReadFields()
    {
        var reader = new Utf8JsonReader(_body);
        reader.Read();
        return TransactionFields.Read(ref reader);
    }
}
