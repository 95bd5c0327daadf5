using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Hypervisor.Sdk;

/// <summary>
/// The one JSON form of the model, for REST, jobs, caches and recordings: camelCase, values as strings, sizes as numbers of bytes, time spans as seconds, moments in UTC, unions with a <c>kind</c>, null members
/// omitted. Fields that it does not know survive reading and writing the same object again. Safe to use from several threads; make one and keep it.
/// </summary>
/// <remarks>
/// A union (<see cref="InstanceSpec"/>, <see cref="Sizing"/>, <see cref="BootSource"/>, <see cref="DiskContent"/>, <see cref="VolumeAttachment"/>, <see cref="BackendEvent"/>) is read as the union, not as one of
/// its forms. Unknown fields of value types (<see cref="NativeDocument"/>, <see cref="SecretReference"/>, <see cref="CapabilityAnswer"/>) do not survive. Secrets have no form: only references to them have.
/// </remarks>
public sealed class ModelJson
{
    /// <summary>The version of the form that <see cref="WriteDocument"/> writes and the newest that <see cref="ReadDocument"/> reads.</summary>
    public const int Version = 1;

    private readonly ModelJsonOptions _model;

    /// <summary>A form that knows the model and the extensions of some drivers.</summary>
    /// <param name="options">What it knows beside the model; copied. The defaults when null.</param>
    public ModelJson(ModelJsonOptions? options = null)
    {
        _model = (options ?? new()).Copy();
        SerializerOptions = Create(_model, strict: false);
        StrictSerializerOptions = Create(_model, strict: true);
    }

    /// <summary>The form without extensions of drivers.</summary>
    public static ModelJson Default { get; } = new();

    /// <summary>The form for the serializer: unknown fields are kept. Read-only; copy it and add to its <see cref="JsonSerializerOptions.TypeInfoResolverChain"/> for types of your own that hold the model's.</summary>
    public JsonSerializerOptions SerializerOptions { get; }

    /// <summary>The form for reading requests: unknown fields are refused. Read-only.</summary>
    public JsonSerializerOptions StrictSerializerOptions { get; }

    /// <summary>Whether an extension has a form: whether it was registered (<see cref="ModelJsonOptions.AddSpecExtension"/>).</summary>
    public bool Knows(ISpecExtension extension)
    {
        ArgumentNullException.ThrowIfNull(extension);
        return _model.Knows(extension);
    }

    /// <summary>The same form for specs on their way to one backend: extensions that are not registered are left out instead of refused, as a driver leaves out those of other drivers.</summary>
    public ModelJson LeavingOutUnregistered()
    {
        var model = _model.Copy();
        model.LeavesOutUnregistered = true;
        return new ModelJson(model);
    }

    /// <summary>Writes a value in UTF-8. One form of a union is written with its <c>kind</c>.</summary>
    /// <exception cref="NotSupportedException">The type is not of the model.</exception>
    public byte[] Write<T>(T value)
        where T : notnull => JsonSerializer.SerializeToUtf8Bytes(value, TypeInfoOf<T>(SerializerOptions));

    /// <summary>Writes a value as a part of something larger.</summary>
    /// <exception cref="NotSupportedException">The type is not of the model.</exception>
    public void Write<T>(Utf8JsonWriter writer, T value)
        where T : notnull => JsonSerializer.Serialize(writer, value, TypeInfoOf<T>(SerializerOptions));

    /// <summary>Reads a value. Unknown fields are kept and written again by <see cref="Write{T}(T)"/>.</summary>
    /// <exception cref="HypervisorException">It is not JSON, or not this value (<see cref="ErrorCode.InvalidArgument"/>); <see cref="HypervisorException.FieldErrors"/> names the JSON path.</exception>
    public T Read<T>(ReadOnlySpan<byte> utf8Json)
        where T : notnull => Read<T>(utf8Json, SerializerOptions);

    /// <summary>Reads a value of a request: an unknown field is an error, because what it asks for would silently not be done.</summary>
    /// <exception cref="HypervisorException">It is not JSON, or not this value, or has an unknown field (<see cref="ErrorCode.InvalidArgument"/>); <see cref="HypervisorException.FieldErrors"/> names the JSON path.</exception>
    public T ReadStrict<T>(ReadOnlySpan<byte> utf8Json)
        where T : notnull => Read<T>(utf8Json, StrictSerializerOptions);

    /// <summary>Writes a value to be stored: wrapped with the version of the form and the kind of the value, <c>{"hvsdk":1,"kind":"instance","body":{...}}</c>.</summary>
    /// <exception cref="NotSupportedException">The type is not of the model.</exception>
    public byte[] WriteDocument<T>(T value)
        where T : notnull
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(buffer);
        writer.WriteStartObject();
        writer.WriteNumber("hvsdk", Version);
        writer.WriteString("kind", KindOf<T>());
        writer.WritePropertyName("body");
        Write(writer, value);
        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Reads a value that <see cref="WriteDocument"/> wrote, of this version or an earlier one.</summary>
    /// <exception cref="HypervisorException">It is not JSON, of a later version, of another kind, or not this value (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    public T ReadDocument<T>(ReadOnlySpan<byte> utf8Json)
        where T : notnull
    {
        DocumentForm document = Read<DocumentForm>(utf8Json, SerializerOptions);
        if (document.Hvsdk is < 1 or > Version)
            throw JsonFailure.Refuse("$.hvsdk", $"{document.Hvsdk} is not a version that can be read: 1 to {Version}.");
        if (document.Kind != KindOf<T>())
            throw JsonFailure.Refuse("$.kind", $"{JsonRefusal.Echo(document.Kind)} is not '{KindOf<T>()}'.");
        return Read<T>(JsonSerializer.SerializeToUtf8Bytes(document.Body, ModelJsonContext.Default.JsonElement), SerializerOptions, "$.body");
    }

    private static T Read<T>(ReadOnlySpan<byte> utf8Json, JsonSerializerOptions options, string root = "$")
        where T : notnull
    {
        var typeInfo = TypeInfoOf<T>(options);
        try
        {
            return JsonSerializer.Deserialize(utf8Json, typeInfo) is T value ? value : throw JsonFailure.Refuse(root, $"It is null, or not a {JsonNamingPolicy.CamelCase.ConvertName(typeof(T).Name)}.");
        }
        catch (JsonException exception)
        {
            throw JsonFailure.From(exception, root);
        }
        catch (Exception exception) when (exception is ArgumentException or TargetInvocationException or NotSupportedException or InvalidOperationException)
        {
            throw JsonFailure.Refuse(root, (exception.InnerException ?? exception).Message, exception);
        }
    }

    private static JsonTypeInfo TypeInfoOf<T>(JsonSerializerOptions options) => options.GetTypeInfo(ModelContract.UnionOf(typeof(T)));

    private static string KindOf<T>() => JsonNamingPolicy.CamelCase.ConvertName(ModelContract.UnionOf(typeof(T)).Name);

    private static JsonSerializerOptions Create(ModelJsonOptions model, bool strict)
    {
        var options = new JsonSerializerOptions
        {
            TypeInfoResolver = ModelJsonContext.Default.WithAddedModifier(new ModelContract(model, strict).Shape),
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            UnmappedMemberHandling = strict ? JsonUnmappedMemberHandling.Disallow : JsonUnmappedMemberHandling.Skip,
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true,
            AllowOutOfOrderMetadataProperties = true,
            AllowDuplicateProperties = false,
            MaxDepth = model.MaxDepth,
        };
        foreach (var converter in ModelConverters.Create(model))
            options.Converters.Add(converter);
        options.MakeReadOnly();
        return options;
    }
}
