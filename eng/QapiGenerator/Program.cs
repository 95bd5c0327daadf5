using Hypervisor.Sdk.Eng.QapiGenerator;

// QapiGenerator [--check] VERSION=DIRECTORY...: oldest first; each directory has qapi/*.json and qga/qapi-schema.json. Writes beneath the current directory.
bool check = args.Contains("--check");
var sources = args.Where(argument => !argument.StartsWith('-')).Select(argument => argument.Split('=', 2)).ToList();
if (sources.Count == 0 || sources.Exists(source => source.Length < 2) || !File.Exists("Hypervisor.Sdk.sln"))
{
    Console.Error.WriteLine("usage, from the root of the repository: QapiGenerator [--check] VERSION=DIRECTORY...");
    return 2;
}

int differences = 0;
foreach (var target in Target.All)
{
    var schemas = sources.Select((source, index) => Schema.Load(Path.Combine(source[1], target.SchemaFile), index)).ToList();
    foreach (var (schema, source) in schemas.Zip(sources))
    {
        string counts = string.Join(", ", schema.Definitions.Values.GroupBy(definition => definition.Kind).OrderBy(group => group.Key).Select(group => $"{group.Count()} {group.Key}"));
        Console.WriteLine($"{target.Protocol} {source[0]}: {counts}");
    }

    var merged = Merger.Merge(schemas);
    foreach (string disagreement in merged.Disagreements)
        Console.WriteLine($"  {disagreement}");
    var files = new Emitter(target, merged, sources.ConvertAll(source => source[0])).Emit();
    var stale = Directory.Exists(target.Directory)
        ? Directory.EnumerateFiles(target.Directory, "*.g.cs").Where(path => !files.ContainsKey(path.Replace('\\', '/'))).ToList()
        : [];
    foreach (string path in stale)
    {
        differences++;
        Console.WriteLine($"{path}: no longer generated");
        if (!check)
            File.Delete(path);
    }

    foreach (var (path, text) in files)
    {
        if (File.Exists(path) && File.ReadAllText(path) == text)
            continue;
        differences++;
        Console.WriteLine($"{path}: {(check ? "differs" : "written")}");
        if (check)
            continue;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}

return check && differences > 0 ? 1 : 0;
