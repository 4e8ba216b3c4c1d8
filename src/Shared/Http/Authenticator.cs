namespace FinanceIngest.Http;

/// <summary>Finds the caller of a request by its token or its key.</summary>
/// <remarks>
/// A token decides alone, and a key beside it is ignored: rights never add up, and a key does not make up for an expired token.
/// While no authority is configured the header <c>Authorization</c> is meant for somebody else, such as a proxy, and is ignored.
/// </remarks>
internal sealed class Authenticator(ApiKeys keys, BearerTokens tokens)
{
    /// <summary>The caller of a request.</summary>
    /// <exception cref="ProblemException">401: the caller is unknown. 503: a token can't be checked because its authority can't be reached.</exception>
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

        // ApiKeys lets every caller in while no key is configured. With an authority configured a request without a token must not get that far.
        return keys.AreConfigured && ApiKeys.Find(request) is not null
            ? ValueTask.FromResult(keys.Authenticate(request))
            : throw Problems.Unidentified();
    }
}
