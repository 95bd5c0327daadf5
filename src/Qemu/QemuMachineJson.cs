using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Hypervisor.Sdk.Qemu;

/// <summary>How <see cref="QemuMachine"/> is written under <c>"extensions":{"qemu":{...}}</c>: in camelCase; what is left out has its default.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, GenerationMode = JsonSourceGenerationMode.Metadata, Converters = [typeof(QemuMachineConverter)])]
[JsonSerializable(typeof(QemuMachine))]
[JsonSerializable(typeof(QemuMachineForm))]
internal sealed partial class QemuMachineJson : JsonSerializerContext;

/// <inheritdoc />
internal sealed class QemuMachineConverter : JsonConverter<QemuMachine>
{
    public override QemuMachine? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => JsonSerializer.Deserialize(ref reader, Form(options))?.ToMachine();

    public override void Write(Utf8JsonWriter writer, QemuMachine value, JsonSerializerOptions options) => JsonSerializer.Serialize(writer, QemuMachineForm.Of(value), Form(options));

    private static JsonTypeInfo<QemuMachineForm> Form(JsonSerializerOptions options) => (JsonTypeInfo<QemuMachineForm>)options.GetTypeInfo(typeof(QemuMachineForm));
}

/// <summary>The same with setters: a generated reader gives what is left out of an init-only property the default of its type and not the property's own.</summary>
internal sealed class QemuMachineForm
{
    private static readonly QemuMachine s_default = new();

    public string Type { get; set; } = s_default.Type;

    public bool Graphics { get; set; } = s_default.Graphics;

    public string ScreenProtocol { get; set; } = s_default.ScreenProtocol;

    public bool ScreenPassword { get; set; } = s_default.ScreenPassword;

    public int SerialPorts { get; set; } = s_default.SerialPorts;

    public bool RandomDevice { get; set; } = s_default.RandomDevice;

    public bool AgentChannel { get; set; } = s_default.AgentChannel;

    public bool Usb { get; set; } = s_default.Usb;

    public bool FreePageReporting { get; set; } = s_default.FreePageReporting;

    public bool CopyImages { get; set; } = s_default.CopyImages;

    public string? FirmwareVariables { get; set; } = s_default.FirmwareVariables;

    public QemuTopologyForm? Topology { get; set; }

    public int NumaNodes { get; set; } = s_default.NumaNodes;

    public bool HugePages { get; set; } = s_default.HugePages;

    public ByteSize? TranslationCache { get; set; } = s_default.TranslationCache;

    public static QemuMachineForm Of(QemuMachine machine) => new()
    {
        Type = machine.Type, Graphics = machine.Graphics, ScreenProtocol = machine.ScreenProtocol, ScreenPassword = machine.ScreenPassword, SerialPorts = machine.SerialPorts,
        RandomDevice = machine.RandomDevice, AgentChannel = machine.AgentChannel, Usb = machine.Usb, FreePageReporting = machine.FreePageReporting, CopyImages = machine.CopyImages, FirmwareVariables = machine.FirmwareVariables, Topology = QemuTopologyForm.Of(machine.Topology), NumaNodes = machine.NumaNodes, HugePages = machine.HugePages,
        TranslationCache = machine.TranslationCache,
    };

    public QemuMachine ToMachine() => new()
    {
        Type = Type, Graphics = Graphics, ScreenProtocol = ScreenProtocol, ScreenPassword = ScreenPassword, SerialPorts = SerialPorts,
        RandomDevice = RandomDevice, AgentChannel = AgentChannel, Usb = Usb, FreePageReporting = FreePageReporting, CopyImages = CopyImages, FirmwareVariables = FirmwareVariables, Topology = Topology?.ToTopology(), NumaNodes = NumaNodes, HugePages = HugePages,
        TranslationCache = TranslationCache,
    };
}

/// <summary>The same for <see cref="QemuTopology"/>.</summary>
internal sealed class QemuTopologyForm
{
    public int Sockets { get; set; } = 1;

    public int Cores { get; set; } = 1;

    public int Threads { get; set; } = 1;

    public static QemuTopologyForm? Of(QemuTopology? topology) => topology is null ? null : new() { Sockets = topology.Sockets, Cores = topology.Cores, Threads = topology.Threads };

    public QemuTopology ToTopology() => new() { Sockets = Sockets, Cores = Cores, Threads = Threads };
}
