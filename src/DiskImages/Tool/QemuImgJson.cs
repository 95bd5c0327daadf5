using System.Text.Json.Serialization;
using static Hypervisor.Sdk.DiskImages.QemuImgAnswers;

namespace Hypervisor.Sdk.DiskImages;

/// <summary>Reads what qemu-img prints.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower)]
[JsonSerializable(typeof(InfoAnswer))]
[JsonSerializable(typeof(CheckAnswer))]
[JsonSerializable(typeof(MeasureAnswer))]
[JsonSerializable(typeof(MapAnswer[]))]
internal sealed partial class QemuImgJson : JsonSerializerContext;
