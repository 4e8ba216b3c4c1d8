using FinanceIngest.Configuration;
using FinanceIngest.Http;

namespace FinanceIngest.Tests.Security;

/// <summary>Commands need their scope, and in a function app a token that has it: the platform's key says only that a caller may submit and read.</summary>
public sealed class CommandScopeTests
{
    [Theory]
    [InlineData("server", "key", Scopes.Manage, true)]
    [InlineData("server", "key", Scopes.Admin, true)]
    [InlineData("server", "token", Scopes.Manage, true)]
    [InlineData("function", "key", Scopes.Submit, true)]
    [InlineData("function", "key", Scopes.Read, true)]
    [InlineData("function", "key", Scopes.Manage, false)]
    [InlineData("function", "key", Scopes.Admin, false)]
    [InlineData("function", "token", Scopes.Manage, true)]
    [InlineData("function", "token", Scopes.Admin, true)]
    public void A_function_s_key_alone_gives_no_command(string head, string credential, Scopes scope, bool isAllowed)
    {
        using var request = new StubRequest { IsFunction = head == "function", Caller = new Caller("c", Scopes.All, credential == "token") };
        if (isAllowed)
        {
            request.RequireScope(scope);
            return;
        }

        Problem problem = Assert.Throws<ProblemException>(() => request.RequireScope(scope)).Problem;
        Assert.Equal((403, "scope"), (problem.Status, problem.Kind));
        Assert.Contains("bearer token", problem.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_token_without_the_scope_is_refused(bool isFunction)
    {
        using var request = new StubRequest { IsFunction = isFunction, Caller = new Caller("c", Scopes.Submit | Scopes.Read, HasToken: true) };
        Problem problem = Assert.Throws<ProblemException>(() => request.RequireScope(Scopes.Manage)).Problem;
        Assert.Contains(problem.Headers, header => header.Value.Contains("insufficient_scope", StringComparison.Ordinal));
    }
}
