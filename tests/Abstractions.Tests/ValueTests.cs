using System.Text;

namespace Hypervisor.Sdk.Abstractions.Tests;

/// <summary>What holds for every value of the model, shown for each type in turn: strict parsing, canonical printing, all four text forms alike.</summary>
public sealed class ValueTests
{
    private static readonly string[] s_hostile =
    [
        "", " ", "..", ".", "-rf", "a,b", "$(id)", "a\nb", "a\0b", "a/b", "a\\b", new('x', 300), new('x', 5000), "\u202Eexe.txt", "a\u200Fb", "\uD800", "a\uFFFDb", " lead", "trail ", "名前", "Ünïcode", "a:b", "a=b", "json:{}", "../../etc/passwd",
        "null", "0", "-1", "1e9", "99999999999999999999999", "10GiB", "10 GiB", "1.5GiB", "GiB", "10gib", "52:54:00:12:34:56", "52:54:00:12:34", "52-54:00:12:34:56", "00:00:00:00:00:00", "10.0.0.1/24", "10.0.0.1/33", "10.0.0.1", "fe80::1%eth0/64", "010.0.0.1/8",
        "::1/128", "::ffff:1.2.3.4/96", "v1/local/x", "v0/local/x", "v1//x", "local/web1", "LOCAL/web1", "SIGTERM", "TERM", "SIG", "0190b5a0-7c1e-7000-8000-000000000001", "{0190b5a0-7c1e-7000-8000-000000000001}", "00000000-0000-0000-0000-000000000000", "running", "Running", "x86_64",
    ];

    [Fact]
    public void Backend_names_are_strict_and_print_as_given() => Check<BackendName>("local", "rack-1.eu", "a");

    [Fact]
    public void Instance_ids_are_strict_and_print_as_given() => Check<InstanceId>("100", "my vm, really", "名前", new string('x', 512));

    [Fact]
    public void Incarnations_are_strict_and_print_as_given() => Check<Incarnation>("0190b5a0-7c1e-7000-8000-000000000001");

    [Fact]
    public void Instance_names_are_strict_and_print_as_given() => Check<InstanceName>("web1", "Web Server 1", "名前", "a,b", "$(id)", new string('x', 255));

    [Fact]
    public void Node_scope_pool_snapshot_and_device_names_are_strict_and_print_as_given()
    {
        Check<NodeName>("pve1", "node-1.example");
        Check<ScopeName>("default");
        Check<PoolName>("local-lvm");
        Check<SnapshotName>("before upgrade");
        Check<DeviceId>("eth0", "scsi0:1");
    }

    [Fact]
    public void Volume_ids_revisions_positions_and_lanes_are_strict_and_print_as_given()
    {
        Check<VolumeId>("pool/disk-1.qcow2");
        Check<Revision>("\"5f3e\"");
        Check<EventPosition>("42:1");
        Check<LaneKey>("instance:web1");
    }

    [Fact]
    public void Open_words_are_strict_and_print_as_given()
    {
        Check<Architecture>("x86_64", "loongarch64");
        Check<PowerState>("running", "guest-panicked");
        Check<Capability>("live-migration");
        Check<ErrorCode>("not-found");
        Check<SignalName>("SIGTERM", "SIGRTMIN+1");
    }

    [Fact]
    public void Byte_sizes_are_strict_and_print_as_given() => Check<ByteSize>("0B", "1000B", "1KiB", "1536MiB", "10GiB", "7EiB");

    [Fact]
    public void Mac_addresses_are_strict_and_print_as_given() => Check<MacAddress>("52:54:00:12:34:56", "ff:ff:ff:ff:ff:ff");

    [Fact]
    public void Addresses_with_prefix_are_strict_and_print_as_given() => Check<Cidr>("10.0.0.5/24", "0.0.0.0/0", "fd00::5/64", "::1/128");

    [Theory]
    [InlineData("512M")]
    [InlineData("10 GiB")]
    [InlineData("-1B")]
    [InlineData("8EiB")]
    [InlineData("9223372036854775808")]
    [InlineData("1.5GiB")]
    [InlineData("")]
    public void Sizes_that_could_be_misread_are_refused(string text) => Assert.False(ByteSize.TryParse(text, null, out _));

    [Theory]
    [InlineData("1024", "1KiB")]
    [InlineData("1kB", "1000B")]
    [InlineData("2048MiB", "2GiB")]
    [InlineData("1GB", "1000000000B")]
    [InlineData("0", "0B")]
    public void Sizes_print_with_the_largest_binary_unit_that_divides_them(string text, string canonical) => Assert.Equal(canonical, ByteSize.Parse(text).ToString());

    [Fact]
    public void Sizes_refuse_to_be_negative_and_to_overflow()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new ByteSize(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => ByteSize.Zero - new ByteSize(1));
        Assert.Throws<OverflowException>(() => new ByteSize(long.MaxValue) + new ByteSize(1));
        Assert.Throws<OverflowException>(() => ByteSize.FromTiB(1L << 30));
        Assert.Throws<OverflowException>(() => ByteSize.FromKiB(long.MaxValue));
    }

    [Theory]
    [InlineData("10.0.0.5/24", "10.0.0.0/24")]
    [InlineData("10.0.0.5/0", "0.0.0.0/0")]
    [InlineData("10.255.255.255/9", "10.128.0.0/9")]
    [InlineData("fd00::5/64", "fd00::/64")]
    [InlineData("fd00::5/128", "fd00::5/128")]
    public void An_address_knows_its_network(string text, string network) => Assert.Equal(network, Cidr.Parse(text).Network.ToString());

    [Fact]
    public void A_mac_address_knows_what_kind_it_is()
    {
        Assert.True(MacAddress.Parse("01-00-5e-00-00-01").IsMulticast);
        Assert.True(MacAddress.Parse("52:54:00:12:34:56").IsLocallyAdministered);
        Assert.False(MacAddress.Parse("00:1a:2b:3c:4d:5e").IsLocallyAdministered);
        Assert.Equal("01:00:5e:00:00:01", MacAddress.FromBytes([1, 0, 0x5e, 0, 0, 1]).ToString());
        Assert.Throws<ArgumentException>(() => MacAddress.FromBytes([0, 0, 0, 0, 0, 0]));
        Assert.Throws<ArgumentException>(() => MacAddress.FromBytes([1, 2, 3]));
    }

    [Theory]
    [InlineData("local/web1", "local", "web1")]
    [InlineData("local/a/b", "local", "a/b")]
    public void A_reference_is_a_backend_and_an_id(string text, string backend, string id)
    {
        var reference = InstanceRef.Parse(text);
        Assert.Equal((backend, id, text), (reference.Backend.ToString(), reference.Id.ToString(), reference.ToString()));
    }

    [Theory]
    [InlineData("/web1")]
    [InlineData("local/")]
    [InlineData("local")]
    [InlineData("Local/web1")]
    [InlineData("")]
    public void A_reference_without_both_parts_is_refused(string text) => Assert.Throws<FormatException>(() => InstanceRef.Parse(text));

    [Fact]
    public void An_operation_token_comes_back_from_its_text()
    {
        var token = new OperationToken(2, BackendName.Parse("local"), "vm-1/op/7");
        Assert.Equal(token, OperationToken.Parse(token.ToString()));
        foreach (string bad in new[] { "", "v/local/x", "v0/local/x", "v1/local", "v1/local/", "v1//x", "1/local/x", "v1/lo cal/x", "v99999999999/local/x" })
            Assert.False(OperationToken.TryParse(bad, null, out _), bad);
    }

    [Fact]
    public void A_request_id_is_a_version_7_uuid_of_the_clock_that_made_it()
    {
        var clock = new ManualTimeProvider();
        var first = RequestId.New(clock);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        var second = RequestId.New(clock);
        Assert.Equal(7, first.ToGuid().Version);
        Assert.True(string.CompareOrdinal(first.ToString(), second.ToString()) < 0);
        Assert.Equal(first, RequestId.Parse(first.ToString()));
        Assert.False(RequestId.TryParse("00000000-0000-0000-0000-000000000000", null, out _));
        Assert.False(RequestId.TryParse(" " + first, null, out _));
        Assert.Throws<ArgumentException>(() => RequestId.FromGuid(Guid.Empty));
    }

    [Fact]
    public void The_message_of_a_refused_value_is_short_printable_and_names_the_value()
    {
        var error = Assert.Throws<FormatException>(() => InstanceName.Parse("a\u001b[31m\u202E\n" + new string('x', 5000)));
        Assert.True(error.Message.Length < 600, error.Message);
        Assert.DoesNotContain(error.Message, c => char.IsControl(c) || c == '\u202E');
        Assert.Contains("a\\u001b[31m\\u202e\\u000a", error.Message, StringComparison.Ordinal);
        Assert.Contains("an instance name", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_no_utf8_are_refused()
    {
        Assert.False(InstanceId.TryParse([0x61, 0xC3, 0x28], null, out _));
        Assert.False(InstanceId.TryParse(new byte[100_000], null, out _));
        Assert.Throws<FormatException>(() => InstanceId.Parse((ReadOnlySpan<byte>)[0xFF]));
    }

    /// <summary>The good texts print as they were given; every hostile text is refused everywhere alike, or taken and printed as it was; random texts likewise.</summary>
    private static void Check<T>(params string[] good)
        where T : struct, ISpanParsable<T>, IUtf8SpanParsable<T>, ISpanFormattable, IUtf8SpanFormattable
    {
        foreach (string text in good)
        {
            Assert.True(T.TryParse(text, null, out var value), text);
            Assert.Equal(text, value.ToString());
            Agree<T>(text);
        }

        Assert.Equal(default(T) is ByteSize ? "0B" : "", default(T).ToString());
        Assert.Throws<ArgumentNullException>(() => ParseText<T>(null!));
        Assert.False(T.TryParse((string?)null, null, out _));

        foreach (string text in s_hostile)
            Agree<T>(text);

        var random = new Random(typeof(T).Name.Length * 7919);
        for (int i = 0; i < 20_000; i++)
        {
            char[] chars = new char[random.Next(0, 24)];
            for (int c = 0; c < chars.Length; c++)
                chars[c] = random.Next(4) == 0 ? (char)random.Next(0, 0x10000) : (char)random.Next(0x20, 0x7f);
            Agree<T>(new string(chars));
        }
    }

    private static T ParseText<T>(string text)
        where T : IParsable<T> => T.Parse(text, null);

    /// <summary>The text, span and UTF-8 forms agree; what was taken holds no control character, prints canonically, and comes back from its print.</summary>
    private static void Agree<T>(string text)
        where T : struct, ISpanParsable<T>, IUtf8SpanParsable<T>, ISpanFormattable, IUtf8SpanFormattable
    {
        bool taken = T.TryParse(text, null, out var value);
        Assert.Equal(taken, T.TryParse(text.AsSpan(), null, out var fromSpan));
        bool wellFormed = !text.EnumerateRunes().Contains(Rune.ReplacementChar);
        if (wellFormed)
            Assert.Equal(taken, T.TryParse(Encoding.UTF8.GetBytes(text), null, out _));
        if (!taken)
        {
            Assert.Throws<FormatException>(() => T.Parse(text, null));
            return;
        }

        Assert.True(wellFormed, text);
        Assert.Equal(value, fromSpan);
        string printed = value.ToString()!;
        Assert.DoesNotContain(printed, char.IsControl);
        Assert.Equal(value, T.Parse(printed, null));
        Assert.Equal(printed, T.Parse(printed, null).ToString());
        Assert.Equal(value, T.Parse(Encoding.UTF8.GetBytes(printed), null));

        Span<char> chars = stackalloc char[600];
        Assert.True(value.TryFormat(chars, out int charsWritten, default, null));
        Assert.Equal(printed, chars[..charsWritten].ToString());
        Assert.False(value.TryFormat(chars[..(printed.Length - 1)], out _, default, null));
        Span<byte> bytes = stackalloc byte[2400];
        Assert.True(value.TryFormat(bytes, out int bytesWritten, default, null));
        Assert.Equal(printed, Encoding.UTF8.GetString(bytes[..bytesWritten]));
        Assert.False(value.TryFormat(bytes[..(bytesWritten - 1)], out _, default, null));
    }
}
