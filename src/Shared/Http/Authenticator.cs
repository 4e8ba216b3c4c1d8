namespace FinanceIngest.Http;

/// <summary>Who sent a request: by its token, or by its key.</summary>
/// <remarks>
/// A token decides alone, and a key beside it is not looked at: rights never add up, and a token that has expired is not made good by a key.
/// Where no authority is configured the header <c>Authorization</c> is somebody else's (a proxy's) and means nothing here.
/// </remarks>
internal sealed class Authenticator(ApiKeys keys, BearerTokens tokens)
{
    /// <summary>The caller of a request.</summary>
    /// <exception cref="ProblemException">401; or 503, when a token can't be judged because its authority can't be reached.</exception>
    internal ValueTask<Caller> AuthenticateAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        if (!tokens.AreTaken)
        {
            return ValueTask.FromResult(keys.Authenticate(request));
        }

        if (BearerTokens.Find(request) is { } token)
        {
            return tokens.AuthenticateAsync(token, cancellationToken);
        }

        // Without keys, keys.Authenticate lets everybody in: here it is tokens that say who is who.
        return keys.AreConfigured && ApiKeys.Find(request) is not null
            ? ValueTask.FromResult(keys.Authenticate(request))
            : throw Problems.Unidentified();
    }
}
