using System.Text;
using FinanceIngest.Poison;

namespace FinanceIngest.Tests.Retention;

/// <summary>A person's number is found in every text of a shape that nobody foresaw, and not where it is known to mean something else.</summary>
public sealed class PersonSearchTests
{
    private const long User = 90210;

    public static TheoryData<string> Found =>
    [
        """{"data":{"user_id":90210}}""", """{"User_Id":90210,"amount":1}""",
        """[[{"user_id":90210}]]""", """[[90210,1,2.5]]""", """{"transactions":{"user_id":90210}}""",
        """{"transactions":[[90210]]}""", """{"v":1,"who":90210,"transactions":[]}""",
        """{"user":"90210"}""", """{"user":"u-90210!"}""", """{"user":"\u00390210"}""",
        """{"90210":{"amount":1}}""", """{"user_id":"x","customer":9.021e4}""",
        """{"user_id":400,"note":"for 90210"}""", """{"user_id":0,"category_id":90210}""",
        """{"user_id":null,"amount":90210}""", """{"user_id":true,"x":"\ud800 90210"}""", "90210",
        "<user>90210</user>", "user_id=90210&amount=1", "{\"user_id\": 90210, ",
        """{"user_id":"0090210"}""", """{"user_id":90210.0}""",
    ];

    public static TheoryData<string> NotFound =>
    [
        """{"user_id":400,"category_id":90210,"amount":90210}""", """{"user_id":902101}""", """{"user_id":190210}""",
        """{"x":1.90210}""", "1902100", "12.90210",
        """{"id":"00090210-0000-8000-8000-000000090210","user_id":400}""", """{"at":"2026-01-31T12:00:00.090210Z"}""", "", "{}", "[]", "null", "not the number",
        """{"v":1,"traceparent":"00-00000000000000000000000000090210-0000000000090210-01","transactions":[{"user_id":400}]}""",
    ];

    [Theory]
    [MemberData(nameof(Found))]
    public void The_number_is_found(string text)
    {
        Assert.True(PersonSearch.StandsIn(text, User), text);
        Assert.True(PersonSearch.StandsIn(Convert.ToBase64String(Encoding.UTF8.GetBytes(text)), User), $"base64 of {text}");
        Assert.True(PersonSearch.StandsIn(Convert.ToBase64String(Encoding.Unicode.GetBytes(text)), User), $"UTF-16 of {text}");
        Assert.True(PersonSearch.StandsIn(Convert.ToBase64String(Encoding.BigEndianUnicode.GetBytes(text)), User), $"big-endian UTF-16 of {text}");
    }

    [Theory]
    [MemberData(nameof(NotFound))]
    public void What_is_another_number_is_not(string text)
    {
        Assert.False(PersonSearch.StandsIn(text, User), text);
        Assert.False(PersonSearch.StandsIn(Convert.ToBase64String(Encoding.UTF8.GetBytes(text)), User), $"base64 of {text}");
    }
}
