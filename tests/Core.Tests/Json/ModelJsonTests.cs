using System.Buffers;
using System.Collections;
using System.Text;
using System.Text.Json;

namespace Hypervisor.Sdk.Tests.Json;

public sealed class ModelJsonTests
{
    private static readonly ModelJson s_json = ModelJson.Default;
    private static readonly JsonSerializerOptions s_readable = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static TheoryData<string> TypeNames => [.. ModelFactory.Roots.Select(type => type.FullName!["Hypervisor.Sdk.".Length..].Replace('+', '.'))];

    private static Type TypeOf(string name) => ModelFactory.Roots.Single(type => type.FullName!["Hypervisor.Sdk.".Length..].Replace('+', '.') == name);

    private static byte[] Write(object value) => (byte[])typeof(ModelJson).GetMethods().Single(method => method.Name == nameof(ModelJson.Write) && method.ReturnType == typeof(byte[])).MakeGenericMethod(value.GetType()).Invoke(s_json, [value])!;

    private static object Read(Type type, byte[] json, bool strict = false)
    {
        var union = ModelContract.UnionOf(type);
        var options = strict ? s_json.StrictSerializerOptions : s_json.SerializerOptions;
        return JsonSerializer.Deserialize(json, options.GetTypeInfo(union))!;
    }

    private static HypervisorException Refused<T>(string json, bool strict = true)
        where T : notnull
    {
        byte[] bytes = Encoding.UTF8.GetBytes(json);
        return Assert.ThrowsAny<HypervisorException>(() => strict ? s_json.ReadStrict<T>(bytes) : s_json.Read<T>(bytes));
    }

    [Feature("QA-16")]
    [Theory]
    [MemberData(nameof(TypeNames))]
    public void The_form_of_each_type_is_the_golden_one(string name)
    {
        var type = TypeOf(name);
        object value = new ModelFactory().Create(type);
        byte[] json = Write(value);
        using var document = JsonDocument.Parse(json);
        ApprovedFile.Verify(JsonSerializer.Serialize(document.RootElement, s_readable) + "\n", $"../golden/{name}.json");
        object read = Read(type, json, strict: true);
        Structure.AssertSame(value, read);
        Assert.Equal(Encoding.UTF8.GetString(json), Encoding.UTF8.GetString(Write(read)));
    }

    [Theory]
    [MemberData(nameof(TypeNames))]
    public void Random_values_come_back_as_they_were(string name)
    {
        var type = TypeOf(name);
        for (int seed = 0; seed < 200; seed++)
        {
            try
            {
                object value = new ModelFactory(seed).Create(type);
                byte[] json = Write(value);
                object read = Read(type, json, strict: true);
                Structure.AssertSame(value, read);
                Assert.Equal(Encoding.UTF8.GetString(json), Encoding.UTF8.GetString(Write(read)));
            }
            catch (Exception exception) when (exception is not Xunit.Sdk.IAssertionException)
            {
                Assert.Fail($"Seed {seed}: {exception}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(TypeNames))]
    public void What_is_absent_has_the_default_of_its_type(string name)
    {
        var type = TypeOf(name);
        if (type.GetConstructor([]) is null)
            return;
        object full = new ModelFactory().Create(type);
        object bare = Activator.CreateInstance(type)!;
        var required = ModelFactory.Settable(type).Where(property => property.IsDefined(typeof(System.Runtime.CompilerServices.RequiredMemberAttribute), false)).ToArray();
        foreach (var property in required)
            property.SetValue(bare, property.GetValue(full));
        using var document = JsonDocument.Parse(Write(full));
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var field in document.RootElement.EnumerateObject().Where(field => field.Name == "kind" || required.Any(property => JsonNamingPolicy.CamelCase.ConvertName(property.Name) == field.Name)))
                field.WriteTo(writer);
            writer.WriteEndObject();
        }

        Structure.AssertSame(bare, Read(type, buffer.WrittenSpan.ToArray(), strict: true));
    }

    [Theory]
    [MemberData(nameof(TypeNames))]
    public void Unknown_fields_survive_at_every_depth_and_are_refused_by_name_in_requests(string name)
    {
        var type = TypeOf(name);
        if (type.IsValueType)
            return;
        byte[] json = Write(new ModelFactory().Create(type));
        byte[] marked = Mark(json);
        object read = Read(type, marked);
        Assert.Equal(Canonical(marked), Canonical(Write(read)));
        var refused = Assert.ThrowsAny<JsonException>(() => Read(type, marked, strict: true));
        Assert.Contains("future", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_fields_live_as_long_as_their_object_and_do_not_leak_into_others()
    {
        var one = s_json.Read<PortSpec>("""{"guest":80,"new":{"a":[1,null,1e400,123456789012345678901234567890]}}"""u8);
        Assert.Equal("""{"guest":80,"protocol":"tcp","new":{"a":[1,null,1e400,123456789012345678901234567890]}}""", Encoding.UTF8.GetString(s_json.Write(one)));
        Assert.Equal("""{"guest":80,"protocol":"tcp"}""", Encoding.UTF8.GetString(s_json.Write(new PortSpec { Guest = 80 })));
    }

    [Fact]
    public void Not_mentioned_is_absent_and_cleared_is_null()
    {
        var change = s_json.ReadStrict<InstanceChange>("""{"description":null,"memoryLimit":"2GiB","cpuLimit":null,"labels":{"old":null}}"""u8);
        Assert.True(change.Description.IsSet);
        Assert.Null(change.Description.Value);
        Assert.Equal(ByteSize.FromGiB(2), change.MemoryLimit.Value);
        Assert.True(change.CpuLimit.IsSet);
        Assert.False(change.Name.IsSet);
        Assert.False(change.Sizing.IsSet);
        Assert.Equal("""{"description":null,"cpuLimit":null,"memoryLimit":2147483648,"addDisks":[],"addMounts":[],"resizeDisks":{},"limitDisks":{},"changeMedia":{},"removeDevices":[],"addNetworks":[],"removeCloudInit":false,"labels":{"old":null},"extensions":{}}""", Encoding.UTF8.GetString(s_json.Write(change)));
        Assert.Contains("$.name", Refused<InstanceChange>("""{"name":null}""").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_discriminator_may_stand_anywhere()
    {
        var sizing = Assert.IsType<Sizing.Explicit>(s_json.ReadStrict<Sizing>("""{"cpus":1,"memory":268435456,"kind":"explicit"}"""u8));
        Assert.Equal((1, ByteSize.FromMiB(256)), (sizing.Cpus, sizing.Memory));
    }

    [Theory]
    [InlineData("""{"kind":"virtualMachine","name":"a","sizing":{"kind":"explicit","cpus":"two","memory":1},"networks":[]}""", "$.sizing.cpus", "'two'")]
    [InlineData("""{"kind":"virtualMachine","name":"a","sizing":{"kind":"explicit","cpus":1,"memory":-5}}""", "$.sizing.memory", "'-5'")]
    [InlineData("""{"kind":"virtualMachine","name":"a","sizing":{"kind":"explicit","cpus":99999999999999999999,"memory":1}}""", "$.sizing.cpus", "'99999999999999999999'")]
    [InlineData("""{"kind":"virtualMachine","name":"a","sizing":{"kind":"explicit","cpus":1,"memory":1e400}}""", "$.sizing.memory", "'1e400'")]
    [InlineData("""{"kind":"virtualMachine","name":"../x","sizing":{"kind":"type","name":"a"}}""", "$.name", "'../x'")]
    [InlineData("""{"kind":"virtualMachine","name":"a\u0000b","sizing":{"kind":"type","name":"a"}}""", "$.name", "\\u0000")]
    [InlineData("""{"kind":"virtualMachine","name":7,"sizing":{"kind":"type","name":"a"}}""", "$.name", "'7'")]
    [InlineData("""{"kind":"virtualMachine","name":"a","sizing":{"kind":"type","name":"a"},"disks":[{"content":{"kind":"blank","size":1,"colour":"red"}}]}""", "$.disks[0].content.colour", "'colour'")]
    [InlineData("""{"kind":"virtualMachine","name":"a","sizing":{"kind":"type","name":"a"},"disks":[{"content":{"kind":"floppy"}}]}""", "$.disks[0].content", "floppy")]
    [InlineData("""{"kind":"virtualMachine","name":"a","sizing":{"kind":"type","name":"a"},"disks":[null]}""", "$", "'disks'")]
    [InlineData("""{"kind":"virtualMachine","name":"a","sizing":{"kind":"type","name":"a"},"labels":{"a":null}}""", "$", "'labels'")]
    [InlineData("""{"kind":"virtualMachine","name":"a","sizing":{"kind":"type","name":"a"},"networks":null}""", "$.networks", "null")]
    [InlineData("""{"kind":"virtualMachine","name":"a"}""", "$", "'sizing'")]
    [InlineData("""{"kind":"virtualMachine","name":"a","name":"b","sizing":{"kind":"type","name":"a"}}""", "$", "name")]
    [InlineData("""{"kind":"virtualMachine","name":"a","sizing":{"kind":"type","name":"a"},"firmware":"openboot"}""", "$.firmware", "'openboot'")]
    [InlineData("""{"kind":"virtualMachine","name":"a","sizing":{"kind":"type","name":"a"},"tpm":"yes"}""", "$.tpm", "'yes'")]
    [InlineData("""{"kind":"virtualMachine","name":"a","sizing":{"kind":"type","name":"a"},"description":{}}""", "$.description", "")]
    [InlineData("""{"name":"a"}""", "$", "")]
    [InlineData("""null""", "$", "null")]
    [InlineData("""[]""", "$", "")]
    [InlineData("""{"kind":"virtualMachine","name":"a",""", "$", "")]
    [InlineData("""{"kind":"virtualMachine","name":"\ud800","sizing":{"kind":"type","name":"a"}}""", "$", "")]
    [InlineData("""{"kind":"virtualMachine","name":"a","description":"\udc00","sizing":{"kind":"type","name":"a"}}""", "$", "")]
    [InlineData("{\"kind\":\"virtualMachine\",\"name\":\"a\0\"}", "$", "")]
    [InlineData("", "$", "")]
    public void A_wrong_request_is_refused_by_its_path_and_value(string json, string path, string value)
    {
        var refused = Refused<InstanceSpec>(json);
        Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.NotSent), (refused.Code, refused.Outcome));
        string field = Assert.Single(refused.FieldErrors!).Key;
        Assert.StartsWith(path, field, StringComparison.Ordinal);
        if (path != "$")
            Assert.Equal(path, field);
        Assert.Contains(value, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\0', refused.Message);
        Assert.DoesNotContain("System.", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("4711471147114711", "a number of 16 characters")]
    [InlineData("\"4711471147114711\\ud800\"", "bytes is not well-formed")]
    public void A_value_where_a_secret_may_stand_is_refused_without_being_shown(string value, string words)
    {
        var refused = Refused<CommandSpec>("{\"command\":[\"a\"],\"environment\":{\"PASSWORD\":" + value + "}}");
        Assert.Contains(words, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("4711", refused.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Depth_is_bounded(bool strict)
    {
        string deep = string.Concat(Enumerable.Repeat("{\"a\":", 100_000));
        var refused = Refused<Instance>("{\"x\":" + deep, strict);
        Assert.Equal(ErrorCode.InvalidArgument, refused.Code);
        Assert.True(refused.Message.Length < 1000);
    }

    [Fact]
    public void Bytes_that_are_broken_at_random_are_refused_or_read_but_never_anything_else()
    {
        var random = new Random(20260101);
        byte[] original = Write(new ModelFactory().Create(typeof(VirtualMachineSpec)));
        for (int i = 0; i < 5000; i++)
        {
            byte[] broken = [.. original];
            for (int changes = random.Next(1, 4); changes > 0; changes--)
                broken[random.Next(broken.Length)] = (byte)random.Next(256);
            var text = broken.AsSpan(0, random.Next(4) == 0 ? random.Next(broken.Length) : broken.Length);
            try
            {
                s_json.ReadStrict<InstanceSpec>(text);
            }
            catch (HypervisorException refused)
            {
                Assert.Equal(ErrorCode.InvalidArgument, refused.Code);
                Assert.NotEmpty(refused.FieldErrors!);
            }

            try
            {
                s_json.Write(s_json.Read<InstanceSpec>(text));
            }
            catch (HypervisorException refused)
            {
                Assert.Equal(ErrorCode.InvalidArgument, refused.Code);
            }
        }
    }

    [Fact]
    public void A_stored_document_says_its_version_and_kind_and_keeps_what_it_does_not_know()
    {
        var instance = (Instance)new ModelFactory().Create(typeof(Instance));
        byte[] document = s_json.WriteDocument(instance);
        Assert.StartsWith("""{"hvsdk":1,"kind":"instance","body":{"id":"id",""", Encoding.UTF8.GetString(document), StringComparison.Ordinal);
        Structure.AssertSame(instance, s_json.ReadDocument<Instance>(document));
        string text = Encoding.UTF8.GetString(document);
        Assert.Contains("$.hvsdk", Assert.Throws<HypervisorException>(() => s_json.ReadDocument<Instance>(Encoding.UTF8.GetBytes(text.Replace("\"hvsdk\":1", "\"hvsdk\":2", StringComparison.Ordinal)))).Message, StringComparison.Ordinal);
        Assert.Contains("'instance'", Assert.Throws<HypervisorException>(() => s_json.ReadDocument<Volume>(document)).Message, StringComparison.Ordinal);
        byte[] later = Encoding.UTF8.GetBytes(text.Replace("\"body\":{", "\"body\":{\"future\":[1],", StringComparison.Ordinal));
        Assert.Contains("\"future\":[1]", Encoding.UTF8.GetString(s_json.WriteDocument(s_json.ReadDocument<Instance>(later))), StringComparison.Ordinal);
        var wrong = Assert.ThrowsAny<HypervisorException>(() => s_json.ReadDocument<Instance>(Encoding.UTF8.GetBytes(text.Replace("\"isTemplate\":true", "\"isTemplate\":3", StringComparison.Ordinal))));
        Assert.Equal("$.body.isTemplate", Assert.Single(wrong.FieldErrors!).Key);
    }

    [Fact]
    public void An_extension_is_written_under_the_kind_of_its_driver_and_those_of_others_are_kept()
    {
        var json = new ModelJson(new ModelJsonOptions().AddSpecExtension("toy", ToyContext.Default.ToyMachine));
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse("a"), Sizing = new Sizing.Type("small") };
        spec.Extensions.Set(new ToyMachine { Machine = "q35" });
        string text = Encoding.UTF8.GetString(json.Write(spec));
        Assert.Contains("\"extensions\":{\"toy\":{\"Machine\":\"q35\"}}", text, StringComparison.Ordinal);
        byte[] both = Encoding.UTF8.GetBytes(text.Replace("\"extensions\":{", "\"extensions\":{\"other\":{\"a\":[1,{\"b\":null}]},", StringComparison.Ordinal));
        var read = (VirtualMachineSpec)json.Read<InstanceSpec>(both);
        Assert.True(read.Extensions.TryGet<ToyMachine>(out var toy));
        Assert.Equal("q35", toy.Machine);
        Assert.Equal(Canonical(both), Canonical(json.Write<InstanceSpec>(read)));
        Assert.Equal(["$.extensions.other"], Assert.ThrowsAny<HypervisorException>(() => json.ReadStrict<InstanceSpec>(both)).FieldErrors!.Keys);
        Assert.True(((VirtualMachineSpec)json.ReadStrict<InstanceSpec>(Encoding.UTF8.GetBytes(text))).Extensions.TryGet<ToyMachine>(out _));
        byte[] wrong = Encoding.UTF8.GetBytes(text.Replace("\"Machine\"", "\"Machin\"", StringComparison.Ordinal));
        Assert.Equal(["$.extensions.toy.Machin"], Assert.ThrowsAny<HypervisorException>(() => json.ReadStrict<InstanceSpec>(wrong)).FieldErrors!.Keys);
        var plain = (VirtualMachineSpec)s_json.Read<InstanceSpec>(both);
        Assert.Empty(plain.Extensions.All);
        Assert.Equal(Canonical(both), Canonical(s_json.Write<InstanceSpec>(plain)));
        Assert.Throws<InvalidOperationException>(() => s_json.Write(spec));
        Assert.Throws<ArgumentException>(() => new ModelJsonOptions().AddSpecExtension("toy", ToyContext.Default.ToyMachine).AddSpecExtension("toy", ToyContext.Default.ToyMachine));
    }

    [Fact]
    public void Every_public_class_of_the_model_has_a_form()
    {
        Type[] without =
        [
            typeof(VolumeUploadOptions), typeof(WatchOptions), typeof(ConsoleOptions), typeof(Secret), typeof(SpecExtensions),
        ];
        var nested = ModelFactory.Roots.SelectMany(root => root.GetProperties().Select(property => property.PropertyType).SelectMany(type => type.IsGenericType ? type.GetGenericArguments() : [type])).ToHashSet();
        var missing = typeof(Instance).Assembly.GetExportedTypes().Where(type => type is { IsClass: true, IsAbstract: false, IsGenericType: false }
            && !type.IsDefined(typeof(System.Diagnostics.CodeAnalysis.ExperimentalAttribute), false) && !typeof(EventArgs).IsAssignableFrom(type)
            && !ModelFactory.Roots.Contains(type) && !nested.Contains(type) && !without.Contains(type));
        Assert.Equal([], missing);
    }

    private static string Canonical(byte[] json)
    {
        using var document = JsonDocument.Parse(json);
        return Sort(document.RootElement);

        static string Sort(JsonElement element) => element.ValueKind switch
        {
            JsonValueKind.Object => $"{{{string.Join(",", element.EnumerateObject().OrderBy(field => field.Name, StringComparer.Ordinal).Select(field => $"{field.Name}:{Sort(field.Value)}"))}}}",
            JsonValueKind.Array => $"[{string.Join(",", element.EnumerateArray().Select(Sort))}]",
            _ => element.GetRawText(),
        };
    }

    // Adds an unknown field to every object that is one of the model's, by its known fields: maps of keys to values have none.
    private static byte[] Mark(byte[] json)
    {
        string[] maps = ["labels", "environment", "settings", "resizeDisks", "limitDisks", "changeMedia", "unavailable", "fieldErrors", "extensions"];
        string[] values = ["document", "chapSecret", "passphrase", "key", "value"];
        using var document = JsonDocument.Parse(json);
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
            Copy(writer, document.RootElement, isModel: true);
        return buffer.WrittenSpan.ToArray();

        void Copy(Utf8JsonWriter writer, JsonElement element, bool isModel)
        {
            if (element.ValueKind == JsonValueKind.Object)
            {
                writer.WriteStartObject();
                foreach (var field in element.EnumerateObject())
                {
                    writer.WritePropertyName(field.Name);
                    Copy(writer, field.Value, isModel && !maps.Contains(field.Name) && !values.Contains(field.Name));
                }

                if (isModel)
                {
                    writer.WritePropertyName("future");
                    writer.WriteRawValue("""{"deep":[1,{"x":null}]}""");
                }

                writer.WriteEndObject();
            }
            else if (element.ValueKind == JsonValueKind.Array)
            {
                writer.WriteStartArray();
                foreach (var item in element.EnumerateArray())
                    Copy(writer, item, isModel);
                writer.WriteEndArray();
            }
            else
            {
                element.WriteTo(writer);
            }
        }
    }
}
