using CsCheck;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Transactions;

public sealed class IdCertifierTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public void Every_id_is_a_version_8_uuid_that_certifies_itself()
    {
        IdCertifier ids = Certifier();
        Guid[] made =
        [
            ids.NewId(), ids.ForIdempotencyKey(399, "order-1"), ids.ForBatchItem(399, "batch", 0), ids.ForMessage("queue", "message", 0),
            ids.ForOlderRow(7),
        ];
        Assert.All(made, id =>
        {
            Assert.Equal(8, id.Version);
            Assert.InRange(id.Variant, 8, 11);
            Assert.True(ids.IsIssued(id));
        });
        Assert.Equal(made.Length, made.Distinct().Count());
    }

    [Fact]
    public void An_alert_has_one_id_which_is_no_transactions()
    {
        IdCertifier ids = Certifier();
        Guid transaction = ids.NewId();
        Assert.Equal(ids.AlertId(transaction), Certifier().AlertId(transaction));
        Assert.Equal(8, ids.AlertId(transaction).Version);
        Assert.False(ids.IsIssued(ids.AlertId(transaction)));
    }

    [Fact]
    public void Ids_sort_by_the_time_of_their_making()
    {
        IdCertifier ids = Certifier();
        var texts = new List<string>();
        for (int i = 0; i < 100; i++)
        {
            texts.Add(ids.NewId().ToString("D"));
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(texts.Order(StringComparer.Ordinal), texts);
    }

    [Fact]
    public void The_same_user_and_key_always_have_the_same_id_and_no_others_do()
    {
        IdCertifier ids = Certifier();
        Assert.Equal(ids.ForIdempotencyKey(399, "k"), Certifier().ForIdempotencyKey(399, "k"));
        Assert.NotEqual(ids.ForIdempotencyKey(399, "k"), ids.ForIdempotencyKey(400, "k"));
        Assert.NotEqual(ids.ForIdempotencyKey(399, "k"), ids.ForIdempotencyKey(399, "K"));
        Assert.NotEqual(ids.ForBatchItem(399, "k", 0), ids.ForBatchItem(399, "k", 1));
        Assert.NotEqual(ids.ForBatchItem(399, "k", 0), ids.ForIdempotencyKey(399, "k"));
        Assert.NotEqual(ids.ForMessage("q", "m", 0), ids.ForMessage("q", "m", 1));
        Assert.NotEqual(ids.ForIdempotencyKey(399, "k"), new IdCertifier("another key", _time).ForIdempotencyKey(399, "k"));
    }

    [Fact]
    public void An_id_changed_in_any_bit_is_not_certified()
    {
        IdCertifier ids = Certifier();
        byte[] bytes = ids.NewId().ToByteArray(bigEndian: true);
        int certified = 0;
        for (int bit = 0; bit < 128; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            certified += ids.IsIssued(new Guid(bytes, bigEndian: true)) ? 1 : 0;
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.Equal(0, certified);
    }

    [Fact]
    public void Ids_of_another_installation_and_invented_ones_are_not_certified()
    {
        IdCertifier ids = Certifier();
        Assert.False(ids.IsIssued(new IdCertifier("another key", _time).NewId()));
        Gen.Guid.Sample(id => !ids.IsIssued(id), seed: "0000000000001", iter: 1000);
    }

    private IdCertifier Certifier() => new("a signing key", _time);
}
