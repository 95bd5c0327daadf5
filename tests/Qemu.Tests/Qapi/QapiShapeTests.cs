using System.Text;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Tests.Qapi;

public class QapiShapeTests
{
    [Fact]
    public void Every_shape_survives_writing_and_reading()
    {
        int instances = 0;
        foreach (var shape in QmpShapes.All.Concat(GuestAgentShapes.All))
        {
            for (int seed = 0; seed < 40; seed++, instances++)
            {
                string written = shape.Make(new Randoms(seed)).ToJson();
                string again = Read(shape, written).ToJson();
                Assert.True(written == again, $"{shape.Name}, seed {seed}:\n{written}\n{again}");
            }
        }

        Assert.True(instances > 20_000, $"only {instances} instances");
    }

    [Fact]
    public void Members_in_another_order_and_unknown_members_change_nothing()
    {
        foreach (var shape in QmpShapes.All.Concat(GuestAgentShapes.All))
        {
            string written = shape.Make(new Randoms(7)).ToJson();
            using var document = JsonDocument.Parse(written);
            if (document.RootElement.ValueKind != JsonValueKind.Object || shape.Name == "DeviceAddArguments")
                continue;
            var members = document.RootElement.EnumerateObject().Reverse().Select(member => $"\"{member.Name}\":{member.Value.GetRawText()}").Prepend("\"of-tomorrow\":{\"a\":[1]}");
            string shuffled = $"{{{string.Join(',', members)}}}";
            Assert.True(written == Read(shape, shuffled).ToJson(), $"{shape.Name}:\n{written}\n{shuffled}");
        }
    }

    [Fact]
    public void Every_word_is_read_without_making_a_string()
    {
        Assert.Equal(QmpShapes.Words.Length + GuestAgentShapes.Words.Length, QmpShapes.Words.Concat(GuestAgentShapes.Words).Distinct().Count());
    }

    [Fact]
    public void A_word_of_a_newer_server_is_kept()
    {
        var r = new Utf8JsonReader("""{"status":"levitating","running":true}"""u8);
        r.Read();
        var status = new StatusInfo(ref r);
        Assert.Equal("levitating", status.Status.Text);
        Assert.Equal(new RunState("levitating"), status.Status);
    }

    [Theory]
    [InlineData("""{"running":true}""", "StatusInfo lacks status")]
    [InlineData("""{"status":"running","running":1}""", "true or false was expected where Number stands")]
    [InlineData("""["status"]""", "an object was expected where StartArray stands")]
    [InlineData("""{"status":null,"running":true}""", "RunState was expected where Null stands")]
    public void A_value_of_another_shape_is_refused_with_what_is_wrong(string json, string why)
    {
        var error = Assert.Throws<QapiFormatException>(() =>
        {
            var r = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
            r.Read();
            _ = new StatusInfo(ref r);
        });
        Assert.Equal(why, error.Message);
    }

    private static QapiValue Read(Shape shape, string json)
    {
        var r = new Utf8JsonReader(Encoding.UTF8.GetBytes(json), Wire.ReaderOptions);
        r.Read();
        var value = shape.Read(ref r);
        Assert.False(r.Read());
        return value;
    }
}
