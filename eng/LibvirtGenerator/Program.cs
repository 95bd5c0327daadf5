using Hypervisor.Sdk.Eng.LibvirtGenerator;

// LibvirtGenerator [--check] VERSION=DIRECTORY...: oldest first; each directory has src/**/*.x and include/libvirt/*.h of that version. Writes beneath the current directory.
bool check = args.Contains("--check");
var sources = args.Where(argument => !argument.StartsWith('-')).Select(argument => argument.Split('=', 2)).ToList();
if (sources.Count == 0 || sources.Exists(source => source.Length < 2) || !File.Exists("Hypervisor.Sdk.sln"))
{
    Console.Error.WriteLine("usage, from the root of the repository: LibvirtGenerator [--check] VERSION=DIRECTORY...");
    return 2;
}

var versions = sources.ConvertAll(source => Source.Load(source[0], source[1]));
foreach (var version in versions)
    Console.WriteLine($"libvirt {version.Version}: {string.Join(", ", version.Programs.Select(program => $"{program.Name} {program.Procedures.Count} procedures, {program.Structs.Count} structs"))}, {version.Enums.Count} enums");
var newest = versions[^1];
foreach (string disagreement in versions.SkipLast(1).SelectMany(newest.Disagreements))
{
    Console.Error.WriteLine(disagreement);
    return 1;
}

var files = new Emitter(newest, versions).Emit();
int differences = 0;
foreach (string directory in new[] { Emitter.SourceDirectory, Emitter.TestDirectory }.Where(Directory.Exists))
{
    foreach (string path in Directory.EnumerateFiles(directory, "*.g.cs").Select(path => path.Replace('\\', '/')).Where(path => !files.ContainsKey(path)))
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
