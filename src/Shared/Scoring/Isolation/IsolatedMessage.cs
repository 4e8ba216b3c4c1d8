using System.Text.Json;
using FinanceIngest.Queueing;

namespace FinanceIngest.Scoring.Isolation;

/// <summary>A message in the form in which it is handed to a child, a line of JSON. The lease stays with the parent.</summary>
internal sealed record IsolatedMessage(string Id, string Text, long InsertedAtTicks, long DequeueCount, long HeldUntil)
{
    public static IsolatedMessage Of(LeasedMessage message, long heldUntil) => new(message.Id, message.Text, message.InsertedAt.Ticks, message.DequeueCount, heldUntil);

    public static IsolatedMessage Parse(string line) => JsonSerializer.Deserialize<IsolatedMessage>(line) ?? throw new JsonException("no message");

    public string ToLine() => JsonSerializer.Serialize(this);

    public LeasedMessage ToMessage() => new HandedMessage
    {
        Id = Id,
        Body = Text,
        InsertedAt = new DateTime(InsertedAtTicks, DateTimeKind.Utc),
        DequeueCount = DequeueCount,
    };

    private sealed class HandedMessage : LeasedMessage
    {
        public override Task<bool> TryDeleteAsync(CancellationToken cancellationToken) => throw new InvalidOperationException("The parent settles.");

        public override Task<bool> TryExtendAsync(TimeSpan lease, CancellationToken cancellationToken) => throw new InvalidOperationException("The parent renews.");
    }
}
