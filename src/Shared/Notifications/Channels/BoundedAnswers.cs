namespace FinanceIngest.Notifications.Channels;

/// <summary>Reads not more than a part of an answer's body, and drops the rest: what a stranger answers does not decide how much this process holds.</summary>
internal sealed class BoundedAnswers(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    /// <summary>The most bytes of a body that are read.</summary>
    public const int Most = 64 * 1024;

    /// <inheritdoc/>
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        HttpResponseMessage response = await base.SendAsync(request, cancellationToken);
        try
        {
            await using Stream body = await response.Content.ReadAsStreamAsync(cancellationToken);
            byte[] read = new byte[Most];
            int length = await body.ReadAtLeastAsync(read, Most, throwOnEndOfStream: false, cancellationToken);
            response.Content = new ByteArrayContent(read, 0, length);
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }
}
