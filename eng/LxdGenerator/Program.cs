using Hypervisor.Sdk.Eng.LxdGenerator;

// LxdGenerator [--check] LXD=FILE Incus=FILE: rest-api.yaml of each; Incus has all that LXD has. Writes beneath the current directory.
bool check = args.Contains("--check");
var inputs = args.Where(argument => !argument.StartsWith('-')).Select(argument => argument.Split('=', 2)).ToList();
if (inputs.Count == 0 || inputs.Exists(input => input.Length < 2) || !File.Exists("Hypervisor.Sdk.sln"))
{
    Console.Error.WriteLine("usage, from the root of the repository: LxdGenerator [--check] LXD=FILE Incus=FILE");
    return 2;
}

var sources = inputs.ConvertAll(input => Source.Load(input[0], input[1]));
var newest = sources[^1];
foreach (var older in sources.SkipLast(1))
{
    foreach (var (shape, call) in older.Calls)
        newest.Calls[shape].Merge(call);
}

var emitter = new Emitter(sources, newest.Calls.Select(call => (call.Key, call.Value)).OrderBy(call => call.Value.Id, StringComparer.Ordinal).ToList());
var files = emitter.Emit();
foreach (var source in sources)
    Console.WriteLine($"{source.Server}: {source.Calls.Count} operations, {source.Definitions.Count} definitions");
Console.WriteLine($"{emitter.ModelCount} models are used");

int differences = 0;
if (Directory.Exists(Emitter.SourceDirectory))
{
    foreach (string path in Directory.EnumerateFiles(Emitter.SourceDirectory, "*.g.cs").Select(path => path.Replace('\\', '/')).Where(path => !files.ContainsKey(path)))
    {
        differences++;
        Console.WriteLine($"{path}: no longer generated");
        if (!check)
            File.Delete(path);
    }
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

return check && differences > 0 ? 1 : 0;
