using System.Collections;
using System.Reflection;
using System.Text;
using FinanceIngest.Configuration;
using FinanceIngest.Http;

namespace FinanceIngest.Tests.Security;

/// <summary>API keys and their rate limit, tested without a server.</summary>
public sealed class AuthenticationTests
{
    private static readonly ApiKeySetting[] s_settings =
    [
        new("first", "a secret of some length", Scopes.Submit),
        new("second", "a secret of another length", Scopes.Read),
        new("third", "geheimer Schlüssel", Scopes.Admin),
    ];

    [Theory]
    [InlineData("a secret of some length", "first")]
    [InlineData("a secret of another length", "second")]
    [InlineData("geheimer Schlüssel", "third")]
    [InlineData("a secret of some lengt", null)]
    [InlineData("a secret of some length ", null)]
    [InlineData("A secret of some length", null)]
    [InlineData("", null)]
    [InlineData("a secret of some length, a secret of some length", null)]
    public void A_key_is_its_owners_wherever_it_stands_in_the_list_and_nothing_near_it_is(string given, string? owner)
    {
        var keys = new ApiKeys(s_settings);
        foreach (StubRequest request in new[] { new StubRequest(("x-functions-key", given)), new StubRequest(("?code", given)) })
        {
            if (owner is null)
            {
                Assert.Equal(401, Assert.Throws<ProblemException>(() => keys.Authenticate(request)).Problem.Status);
            }
            else
            {
                Assert.Equal(owner, keys.Authenticate(request).Name);
            }
        }
    }

    [Fact]
    public void A_wrong_header_is_not_made_good_by_the_query()
    {
        var keys = new ApiKeys(s_settings);
        Assert.Throws<ProblemException>(() => keys.Authenticate(new StubRequest(("x-functions-key", "wrong"), ("?code", s_settings[0].Secret))));
        Assert.Throws<ProblemException>(() => keys.Authenticate(new StubRequest(("x-functions-key", ""), ("?code", s_settings[0].Secret))));
        Assert.Equal("first", keys.Authenticate(new StubRequest(("x-functions-key", s_settings[0].Secret), ("?code", "wrong"))).Name);
    }

    // What stands before the server may look at the first of two keys, and the server at the second.
    [Theory]
    [InlineData("a secret of some length", "a secret of some length")]
    [InlineData("a secret of some length", "")]
    [InlineData("", "a secret of some length")]
    public void A_key_given_twice_in_the_query_is_none(string first, string second)
    {
        var keys = new ApiKeys(s_settings);
        foreach (string name in new[] { "?code", "?Code" })
        {
            Problem problem = Assert.Throws<ProblemException>(() => keys.Authenticate(new StubRequest(("?code", first), (name, second)))).Problem;
            Assert.Equal((401, "The query parameter code is given more than once."), (problem.Status, problem.Detail));
        }
    }

    // The comparison has no early exit: a loop over all keys compares hashes of one length by FixedTimeEquals. A busy machine allows no assertion on time.
    [Fact]
    public void Secrets_are_held_as_hashes_of_one_length_and_nothing_else()
    {
        var found = new List<object>();
        Collect(new ApiKeys(s_settings), found, []);
        Assert.Equal(s_settings.Length, found.OfType<byte[]>().Count(hash => hash.Length == 32));
        Assert.DoesNotContain(found.OfType<string>(), text => s_settings.Any(key => text.Contains(key.Secret, StringComparison.Ordinal)));
        Assert.DoesNotContain(found.OfType<byte[]>(), bytes => s_settings.Any(key => bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(key.Secret)) >= 0));
    }

    [Fact]
    public void Settings_do_not_tell_their_secrets()
    {
        var settings = new Settings
        {
            DataDirectory = "/data",
            ApiKeys = s_settings,
            IdSigningKey = "the signing key",
            SqlConnectionString = "Server=x;Password=p",
            StorageConnectionString = "AccountKey=k",
        };
        Assert.Equal("Settings", settings.ToString());
        Assert.Equal("first", s_settings[0].ToString());
    }

    [Theory]
    [InlineData("Server=x;Database=d;Password=abc;the rest of it=1")]
    [InlineData("Server=x;Database=d;Password=abc;the rest of it")]
    public void A_connection_string_with_a_mistake_does_not_tell_its_password(string text)
    {
        string message = Assert.Throws<SettingsException>(() => SqlConnectionStringReader.Read(text)).Message;
        Assert.DoesNotContain("abc", message, StringComparison.Ordinal);
        Assert.DoesNotContain("the rest", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_clock_that_is_put_back_shuts_nobody_out()
    {
        var time = new SettableClock();
        var limiter = new RateLimiter(2, time);
        limiter.Count("a");
        limiter.Count("a");
        Assert.Equal(429, Assert.Throws<ProblemException>(() => limiter.Count("a")).Problem.Status);
        limiter.Count("b");
        time.Offset = TimeSpan.FromHours(-1);
        time.Advance(TimeSpan.FromSeconds(30));
        limiter.Count("a");
    }

    private static void Collect(object? value, List<object> found, HashSet<object> seen)
    {
        if (value is null || !seen.Add(value))
        {
            return;
        }

        found.Add(value);
        if (value is string or byte[] || value.GetType().IsPrimitive || value.GetType().IsEnum)
        {
            return;
        }

        if (value is IEnumerable items)
        {
            foreach (object? item in items)
            {
                Collect(item, found, seen);
            }

            return;
        }

        foreach (FieldInfo field in value.GetType().GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
        {
            Collect(field.GetValue(value), found, seen);
        }
    }

    // A clock whose time of day can be set without moving its monotonic timestamps.
    private sealed class SettableClock : TimeProvider
    {
        private TimeSpan _running;

        public TimeSpan Offset { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _running.Ticks;

        public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero) + _running + Offset;

        public void Advance(TimeSpan by) => _running += by;
    }
}
