using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Tests.Protocol;

public sealed class XdrTests
{
    [Fact]
    public void Every_kind_of_field_has_the_bytes_of_rfc_4506()
    {
        var w = new XdrWriter(new byte[512]);
        w.I32(-2);
        w.U32(0xdeadbeef);
        w.I64(-3);
        w.U64(1);
        w.F64(1.5);
        w.I8(-1);
        w.U8(200);
        w.U16(40000);
        w.Str("abcde");
        w.OptionalStr(null);
        w.OptionalStr("é");
        w.Bytes([1, 2, 3], 3);
        w.Chars([0xff, 1], 4);
        w.I32s([7], 1);
        w.Uuid(new Guid("00112233-4455-6677-8899-aabbccddeeff"));
        w.One(new VirTypedParameter("n", VirTypedValue.From(5u)));
        Assert.Equal(
            "FFFFFFFE" + "DEADBEEF" + "FFFFFFFFFFFFFFFD" + "0000000000000001" + "3FF8000000000000" + "FFFFFFFF" + "000000C8" + "00009C40"
            + "00000005" + "6162636465000000" + "00000000" + "00000001" + "00000002" + "C3A90000" + "00000003" + "01020300" + "00000002" + "FFFFFFFF" + "00000001"
            + "00000001" + "00000007" + "00112233445566778899AABBCCDDEEFF" + "00000001" + "6E000000" + "00000002" + "00000005",
            Convert.ToHexString(w.Written));

        var r = new XdrReader(w.Written);
        Assert.Equal(-2, r.I32());
        Assert.Equal(0xdeadbeef, r.U32());
        Assert.Equal(-3, r.I64());
        Assert.Equal(1ul, r.U64());
        Assert.Equal(1.5, r.F64());
        Assert.Equal(-1, r.I8());
        Assert.Equal(200, r.U8());
        Assert.Equal(40000, r.U16());
        Assert.Equal("abcde", r.Str());
        Assert.Null(r.OptionalStr());
        Assert.Equal("é", r.OptionalStr());
        Assert.Equal([1, 2, 3], r.Bytes(3));
        Assert.Equal([0xff, 1], r.Chars(4));
        Assert.Equal([7], r.I32s(1));
        Assert.Equal(new Guid("00112233-4455-6677-8899-aabbccddeeff"), r.Uuid());
        Assert.Equal(5u, r.One<VirTypedParameter>().Value.AsUInt32());
        r.End();
        w.Dispose();
    }

    [Theory]
    [InlineData("FFFFFFFD00000000")]
    [InlineData("FFFFFFFF00000000")]
    [InlineData("8000000000000000")]
    [InlineData("0000000500000000")]
    [InlineData("0040000100000000")]
    public void A_length_that_lies_is_refused_before_anything_is_made_for_it(string hex)
    {
        byte[] bytes = Convert.FromHexString(hex);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Refuses(bytes, static (ref XdrReader r) => r.Str());
        Refuses(bytes, static (ref XdrReader r) => r.Bytes(4096));
        Refuses(bytes, static (ref XdrReader r) => r.Many<VirTypedParameter>(16384));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void A_value_that_its_type_does_not_have_is_refused()
    {
        byte[] two = Convert.FromHexString("0000000200000001");
        Refuses(two, static (ref XdrReader r) => r.OptionalStr());
        Refuses(Convert.FromHexString("00000100"), static (ref XdrReader r) => r.U8());
        Refuses(Convert.FromHexString("00000080"), static (ref XdrReader r) => r.I8());
        Refuses(Convert.FromHexString("00010000"), static (ref XdrReader r) => r.U16());
        Refuses(Convert.FromHexString("0000000800000001"), static (ref XdrReader r) => r.One<VirTypedValue>());
    }

    [Fact]
    public void A_text_that_would_arrive_as_another_is_not_written()
    {
        Assert.Throws<ArgumentException>(() => Write("a\0b"));
        Assert.Throws<ArgumentException>(() => Write("\ud800"));
        Assert.Throws<ArgumentException>(() => Write(new string('x', XdrLimits.MaxStringBytes + 1)));

        static void Write(string text)
        {
            var w = new XdrWriter(new byte[64]);
            w.Str(text);
        }
    }

    [Fact]
    public void A_default_object_is_not_written() => Assert.Throws<ArgumentException>(() =>
    {
        var w = new XdrWriter(new byte[64]);
        w.One(default(VirDomain));
    });

    [Fact]
    public void More_than_the_protocol_takes_is_not_written() => Assert.Throws<ArgumentException>(() =>
    {
        var w = new XdrWriter(new byte[64]);
        w.Bytes(new byte[4], 3);
    });

    private static void Refuses<T>(byte[] bytes, XdrRead<T> read)
    {
        try
        {
            var r = new XdrReader(bytes);
            read(ref r);
        }
        catch (XdrException)
        {
            return;
        }

        Assert.Fail("It was read.");
    }
}
