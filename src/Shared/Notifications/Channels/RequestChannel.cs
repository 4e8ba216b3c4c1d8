using System.Net.Http.Headers;
using System.Text;
using FinanceIngest.Configuration;

namespace FinanceIngest.Notifications.Channels;

/// <summary>A request that the operator wrote: method, address, headers and body, the last three as templates.</summary>
internal sealed class RequestChannel(ChannelSettings settings, ChannelHttp http) : INotificationChannel
{
    private readonly MessageTexts _texts = new(settings);

    /// <inheritdoc/>
    public int Concurrency => 4;

    /// <inheritdoc/>
    public async Task<SendOutcome> SendAsync(Notification notification, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(_texts.Url(notification), UriKind.Absolute, out Uri? uri))
        {
            return new SendOutcome(SendResult.Failed, "The template of the address made none of this alert.");
        }

        using var request = new HttpRequestMessage(new HttpMethod(settings.Method), uri);
        if (_texts.Body(notification) is { } body)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        foreach ((string name, string value) in _texts.Headers(notification))
        {
            if (name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase))
            {
                if (request.Content is not null)
                {
                    request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(value);
                }
            }
            else
            {
                request.Headers.Remove(name);
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }

        if (settings.User is { } user)
        {
            request.Headers.Authorization =
                new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{settings.Password}")));
        }

        return await http.SendAsync(request, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
