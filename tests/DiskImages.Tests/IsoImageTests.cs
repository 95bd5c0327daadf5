using System.Diagnostics;
using System.Text;

namespace Hypervisor.Sdk.DiskImages.Tests;

[Peer("isoinfo")]
public sealed class IsoImageTests : IDisposable
{
    private static readonly DateTimeOffset s_created = new(2026, 11, 21, 12, 30, 45, TimeSpan.FromHours(2));

    private readonly TempDirectory _temp = new();

    [Fact(Timeout = 60_000)]
    [Feature("CLI-04")]
    public async Task A_seed_is_a_volume_that_other_programs_find_by_its_label_and_read_under_its_true_names()
    {
        var data = new CloudInitData { UserData = "#cloud-config\nfinal_message: \"ü\"\n", NetworkConfig = "version: 2\n", VendorData = "#!/bin/sh\ntrue\n" };
        await WriteAsync(CloudInitSeed.Create(data, "0d1f7a54-6f5e-4a3c-9f0e-5b8f5f0c2a11", "web1", s_created));
        Assert.Equal("cidata", (await RunAsync("blkid", "-p", "-o", "value", "-s", "LABEL", _temp["iso"])).Trim());
        Assert.Equal("iso9660", (await RunAsync("blkid", "-p", "-o", "value", "-s", "TYPE", _temp["iso"])).Trim());
        // Joliet's names have a version, which systems leave away.
        foreach (var (names, version) in new[] { ("-R", ""), ("-J", ";1") })
        {
            Assert.Equal(["/meta-data", "/network-config", "/user-data", "/vendor-data"], (await RunAsync("isoinfo", names, "-f", "-i", _temp["iso"])).Replace(";1\n", "\n", StringComparison.Ordinal).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
            Assert.Equal(data.UserData, await RunAsync("isoinfo", names, "-x", "/user-data" + version, "-i", _temp["iso"]));
            Assert.Equal("instance-id: \"0d1f7a54-6f5e-4a3c-9f0e-5b8f5f0c2a11\"\nlocal-hostname: \"web1\"\n", await RunAsync("isoinfo", names, "-x", "/meta-data" + version, "-i", _temp["iso"]));
        }

        string list = await RunAsync("isoinfo", "-R", "-l", "-i", _temp["iso"]);
        Assert.Equal(4, list.Split('\n').Count(line => line.StartsWith("-r--------", StringComparison.Ordinal) && line.Contains("Nov 21 2026", StringComparison.Ordinal)));
    }

    [Theory(Timeout = 60_000)]
    [Feature("CLI-06")]
    [InlineData("genisoimage")]
    [InlineData("mkisofs")]
    [InlineData("xorriso")]
    public async Task A_seed_is_the_same_by_the_builders_of_the_system(string program)
    {
        RealPeer.Program(program);
        var data = new CloudInitData { UserData = "#cloud-config\nfinal_message: \"ü\"\n", NetworkConfig = "version: 2\n", VendorData = "#!/bin/sh\ntrue\n" };
        var token = TestContext.Current.CancellationToken;
        byte[] image = await CloudInitSeed.CreateAsync(data, "0d1f7a54-6f5e-4a3c-9f0e-5b8f5f0c2a11", "web1", new IsoBuilder(program), token);
        var seen = new List<string>();
        foreach (byte[] one in (byte[][])[CloudInitSeed.Create(data, "0d1f7a54-6f5e-4a3c-9f0e-5b8f5f0c2a11", "web1", s_created), image])
        {
            await WriteAsync(one);
            var answers = new List<string> { await RunAsync("blkid", "-p", "-o", "value", "-s", "LABEL", "-s", "TYPE", _temp["iso"]), (await RunAsync("isoinfo", "-J", "-f", "-i", _temp["iso"])).Replace(";1\n", "\n", StringComparison.Ordinal) };
            foreach (string name in new[] { "meta-data", "user-data", "network-config", "vendor-data" })
                answers.Add(await RunAsync("isoinfo", "-R", "-x", "/" + name, "-i", _temp["iso"]));
            seen.Add(string.Join("\n--\n", answers));
        }

        Assert.Contains("#cloud-config", seen[0], StringComparison.Ordinal);
        Assert.Equal(seen[0], seen[1]);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_builder_that_is_not_there_or_not_known_is_said()
    {
        Assert.Throws<ArgumentException>(() => new IsoBuilder("sh"));
        using var directory = new TempDirectory();
        var missing = await Assert.ThrowsAsync<HypervisorException>(() => new IsoBuilder(directory["xorriso"]).CreateAsync("a", [], TestContext.Current.CancellationToken));
        Assert.Equal((ErrorCode.Unavailable, RequestOutcome.NotSent), (missing.Code, missing.Outcome));
        // One that fails.
        await File.WriteAllTextAsync(directory["mkisofs"], "#!/bin/sh\necho no room >&2\nexit 3\n", TestContext.Current.CancellationToken);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(directory["mkisofs"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var failed = await Assert.ThrowsAsync<HypervisorException>(() => new IsoBuilder(directory["mkisofs"]).CreateAsync("a", [], TestContext.Current.CancellationToken));
        Assert.Contains("ended with 3: no room", failed.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task Many_files_of_any_length_and_names_that_are_alike_in_eight_letters_are_read_back()
    {
        var random = new Random(7);
        var files = Enumerable.Range(0, 200).Select(number =>
        {
            byte[] content = new byte[number switch { 0 => 0, 1 => 1, 2 => 2048, 3 => 2049, 4 => 300_000, _ => random.Next(5000) }];
            random.NextBytes(content);
            return new IsoFile($"{(number % 2 == 0 ? "A-file-with-a-long-name" : "a_file.with-a-long-name")}-{number}.{new string('x', number % 30)}conf", content);
        }).ToList();
        byte[] image = IsoImage.Create("MANY_FILES", files, s_created);
        Assert.Equal(image, IsoImage.Create("MANY_FILES", files, s_created));
        await WriteAsync(image);
        foreach (string names in new[] { "-R", "-J" })
            Assert.Equal(files.Select(file => "/" + file.Name).Order(StringComparer.Ordinal), (await RunAsync("isoinfo", names, "-f", "-i", _temp["iso"])).Replace(";1\n", "\n", StringComparison.Ordinal).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
        var plain = (await RunAsync("isoinfo", "-f", "-i", _temp["iso"])).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(files.Count, plain.Distinct().Count());
        Assert.All(plain, name => Assert.Matches(@"^/[A-Z0-9_]{1,8}\.[A-Z0-9_]{0,3};1$", name));
        foreach (var file in files.Take(6))
            Assert.Equal(file.Content.ToArray(), Encoding.Latin1.GetBytes(await RunAsync("isoinfo", "-R", "-x", "/" + file.Name, "-i", _temp["iso"])));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a label")]
    [InlineData("a-label-of-17-chs")]
    [InlineData("ü")]
    public void A_label_that_breaks_the_rule_is_refused(string label) => Assert.Throws<ArgumentException>(() => IsoImage.Create(label, [], s_created));

    [Theory]
    [InlineData("")]
    [InlineData("../a")]
    [InlineData("a/b")]
    [InlineData("-rf")]
    [InlineData(".a")]
    [InlineData("a\nb")]
    public void A_name_that_breaks_the_rule_is_refused(string name) => Assert.Throws<ArgumentException>(() => IsoImage.Create("a", [new IsoFile(name, default)], s_created));

    [Fact]
    public void Names_that_differ_only_in_case_are_refused() => Assert.Throws<ArgumentException>(() => IsoImage.Create("a", [new IsoFile("a", default), new IsoFile("A", default)], s_created));

    public static TheoryData<string, CloudInitData> BadData => new()
    {
        { "cloudInit.userData", new CloudInitData { UserData = "password: canary" } },
        { "cloudInit.userData", new CloudInitData { UserData = "#cloud-config\n" + new string('x', CloudInitSeed.MaxDocumentBytes) } },
        { "cloudInit.userData", new CloudInitData { UserData = "#cloud-config\n\0" } },
        { "cloudInit.vendorData", new CloudInitData { VendorData = "" } },
        { "cloudInit.networkConfig", new CloudInitData { NetworkConfig = " " } },
        { "cloudInit.hostName", new CloudInitData { HostName = "web1\"\nuser-data: \"" } },
        { "cloudInit.hostName", new CloudInitData { HostName = "web_1" } },
        { "cloudInit.instanceDataId", new CloudInitData { InstanceDataId = "a\nb" } },
        { "cloudInit.instanceDataId", new CloudInitData { InstanceDataId = "" } },
    };

    [Theory]
    [MemberData(nameof(BadData))]
    public void Data_that_cloud_init_would_not_take_are_refused_by_their_field(string field, CloudInitData data)
    {
        var error = Assert.Throws<HypervisorException>(() => CloudInitSeed.Create(data, "id", "host", s_created));
        Assert.Equal(ErrorCode.InvalidArgument, error.Code);
        Assert.Equal([field], error.FieldErrors!.Keys);
        Assert.DoesNotContain("canary", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _temp.Dispose();

    private Task WriteAsync(byte[] image) => File.WriteAllBytesAsync(_temp["iso"], image, TestContext.Current.CancellationToken);

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = new Process { StartInfo = new ProcessStartInfo(RealPeer.Program(program), arguments) { RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = arguments.Contains("-x") && !arguments.Any(argument => argument.StartsWith("/user-data", StringComparison.Ordinal)) ? Encoding.Latin1 : Encoding.UTF8 } };
        process.Start();
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, output + await error);
        return output;
    }
}
