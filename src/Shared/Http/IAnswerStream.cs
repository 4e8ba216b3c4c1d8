namespace FinanceIngest.Http;

/// <summary>The body of an answer that has no end yet. The head disposes of it when the answer is over, also where it was never written.</summary>
public interface IAnswerStream : IAsyncDisposable
{
    /// <summary>Writes the body, and returns when it is complete.</summary>
    /// <param name="body">Where to; what is written reaches the client when it is flushed.</param>
    /// <param name="cancellationToken">The client is gone.</param>
    Task WriteAsync(Stream body, CancellationToken cancellationToken);
}
