namespace Hypervisor.Sdk.Eng.LibvirtGenerator;

/// <summary>The protocol of one version of libvirt.</summary>
internal sealed class Source
{
    private static readonly (string Name, string Prefix, string File)[] s_files =
    [
        ("remote", "remote", "src/remote/remote_protocol.x"),
        ("qemu", "qemu", "src/remote/qemu_protocol.x"),
        ("lxc", "lxc", "src/remote/lxc_protocol.x"),
        ("admin", "admin", "src/admin/admin_protocol.x"),
        ("keepalive", "keepalive", "src/rpc/virkeepaliveprotocol.x"),
    ];

    private readonly HeaderParser _headers = new();

    private Source(string version) => Version = version;

    public string Version { get; }

    public List<Program> Programs { get; } = [];

    public Dictionary<string, Field> Typedefs { get; } = [];

    public List<EnumType> Enums => _headers.Enums;

    public static Source Load(string version, string directory)
    {
        var source = new Source(version);
        // Headers refer to each other's values: those that define what others use first.
        string[] first = ["virterror.h", "libvirt-common.h.in", "libvirt-host.h", "libvirt-domain.h"];
        foreach (string path in Directory.EnumerateFiles(Path.Combine(directory, "include/libvirt")).OrderBy(path => Array.IndexOf(first, Path.GetFileName(path)) is >= 0 and var at ? at : 99).ThenBy(path => path, StringComparer.Ordinal))
            source._headers.Parse(File.ReadAllText(path));
        var constants = new Dictionary<string, long>(source._headers.Numbers);
        foreach (var (name, prefix, file) in s_files)
        {
            var program = new Program(name, prefix);
            new ProtocolParser(program, constants, source.Typedefs).Parse(File.ReadAllText(Path.Combine(directory, file)));
            source.Programs.Add(program);
        }

        source.CheckTypedValues();
        return source;
    }

    public bool Has(string program, string procedure) => Programs.Exists(known => known.Name == program && known.Procedures.Exists(one => one.Name == procedure));

    /// <summary>What an older version says differently: nothing, or one set of types could not serve both.</summary>
    public IEnumerable<string> Disagreements(Source older)
    {
        foreach (var program in older.Programs)
        {
            var mine = Programs.Single(known => known.Name == program.Name);
            foreach (var procedure in program.Procedures.Where(procedure => !mine.Procedures.Contains(procedure)))
                yield return $"{program.Name}: {procedure} of libvirt {older.Version} is not in libvirt {Version}.";
            foreach (var type in program.Structs.Where(type => mine.Find(type.Name)?.Shape != type.Shape))
                yield return $"{program.Name}: {type.Name} of libvirt {older.Version} has another shape in libvirt {Version}.";
        }
    }

    /// <summary>The union of typed parameters is written by hand, once for all programs; it must be what the files say.</summary>
    private void CheckTypedValues()
    {
        string[] expected = ["1 int", "2 unsigned int", "3 hyper", "4 unsigned hyper", "5 double", "6 int", "7 string"];
        foreach (var (program, union) in Programs.SelectMany(program => program.Unions.Select(union => (program, union))))
        {
            var arms = union.Arms.Select(arm => $"{_headers.ValueOf(arm.Value)} {(arm.Field.Type.EndsWith("_nonnull_string", StringComparison.Ordinal) ? "string" : arm.Field.Type)}");
            if (union.Name != $"{program.Prefix}_typed_param_value" || union.Switch != "int" || !arms.SequenceEqual(expected))
                throw new FormatException($"{union.Name} is not the union that is written by hand.");
        }
    }
}
