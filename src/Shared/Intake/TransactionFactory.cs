using FinanceIngest.SigningKeys;
using FinanceIngest.Transactions;

namespace FinanceIngest.Intake;

/// <summary>Makes transactions from the fields of a request: checks the rules beyond the grammar, gives the id and the time of acceptance.</summary>
internal sealed class TransactionFactory(IdCertifier ids, SigningKey key, TimeProvider time)
{
    /// <summary>Makes the transaction of a single request.</summary>
    /// <param name="fields">The body.</param>
    /// <param name="headerKey">The header <c>Idempotency-Key</c>.</param>
    /// <returns>The transaction; null when fields are not valid, which <see cref="TransactionFields.Errors"/> lists.</returns>
    /// <exception cref="SigningKeyLostException">The file of the signing key is gone, or holds another key.</exception>
    internal Transaction? Create(TransactionFields fields, string? headerKey)
    {
        if (headerKey is not null && fields.IdempotencyKey is not null && headerKey != fields.IdempotencyKey)
        {
            fields.AddError("idempotency_key", "differs from the header Idempotency-Key");
        }

        DateTime acceptedAt = Begin();
        if (!IsAcceptable(fields, acceptedAt))
        {
            return null;
        }

        Guid id = (fields.IdempotencyKey ?? headerKey) is { } key ? ids.ForIdempotencyKey(fields.UserId!.Value, key) : ids.NewId(acceptedAt);
        return Make(id, fields, acceptedAt, isHistory: false);
    }

    /// <summary>Makes the transaction of one item of a batch.</summary>
    /// <param name="fields">The item.</param>
    /// <param name="batchKey">The header <c>Idempotency-Key</c>, from which an item without a key of its own gets one.</param>
    /// <param name="index">The item's index in the batch.</param>
    /// <param name="acceptedAt">The batch's time of acceptance, which <see cref="Begin"/> tells once for all items.</param>
    /// <param name="isHistory">Whether the batch puts a history in: each item then needs to say when it occurred.</param>
    /// <returns>The transaction; null when fields are not valid, which <see cref="TransactionFields.Errors"/> lists.</returns>
    internal Transaction? CreateItem(TransactionFields fields, string? batchKey, int index, DateTime acceptedAt, bool isHistory = false)
    {
        if (isHistory && fields.OccurredAt is null)
        {
            fields.AddError("occurred_at", "is required in a history");
        }

        if (!IsAcceptable(fields, acceptedAt))
        {
            return null;
        }

        Guid id = fields.IdempotencyKey is { } key ? ids.ForIdempotencyKey(fields.UserId!.Value, key)
            : batchKey is not null ? ids.ForBatchItem(fields.UserId!.Value, batchKey, index)
            : ids.NewId(acceptedAt);
        return Make(id, fields, acceptedAt, isHistory);
    }

    /// <summary>Begins to accept: no id is issued under a key that was lost. Returns the time of acceptance; UTC, whole microseconds.</summary>
    /// <exception cref="SigningKeyLostException">The file of the signing key is gone, or holds another key.</exception>
    public DateTime Begin()
    {
        key.Require();
        return time.UtcNowMicroseconds();
    }

    private bool IsAcceptable(TransactionFields fields, DateTime acceptedAt)
    {
        if (fields.OccurredAt > acceptedAt + TransactionFields.MaximumFuture)
        {
            fields.AddError("occurred_at", TransactionFields.InTheFuture);
        }

        if (fields.Replaces is { } replaced && !ids.IsIssued(replaced))
        {
            fields.AddError("replaces", TransactionFields.NotIssued);
        }

        return fields.Errors is null;
    }

    private static Transaction? Make(Guid id, TransactionFields fields, DateTime acceptedAt, bool isHistory)
    {
        if (fields.Replaces == id)
        {
            // The id follows from the idempotency key, so that a client can know it beforehand.
            fields.AddError("replaces", "must not be the transaction itself");
            return null;
        }

        return new Transaction(
            id, fields.UserId!.Value, fields.CategoryId!.Value, fields.Amount!.Value, fields.OccurredAt ?? acceptedAt, acceptedAt)
        {
            IsHistory = isHistory,
            Replaces = fields.Replaces,
        };
    }
}
