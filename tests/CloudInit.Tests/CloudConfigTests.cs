using System.Text;

namespace Hypervisor.Sdk.CloudInit.Tests;

[Peer("cloud-init")]
public sealed class CloudConfigTests
{
    private const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJXoo8KeJIOTlop7TlRu7P/FCQfXp6G2rElTM2NOWsIp ana@home";

    /// <summary>What ends a text, a line, a document or a mapping in YAML, begins something else in it, or is none of its characters.</summary>
    public static TheoryData<string> WorstTexts =>
    [
        "", " ", "\"", "\\", "\\\"", "'", "a: b", "a #b", "#cloud-config", "- a", "? a", "&a", "*a", "!!python/object/apply:os.system [id]", "%TAG", "@a", "`a`", "{a: b}", "[a]", "|", ">", "---", "...", "--- \nruncmd: [id]",
        "a\nruncmd:\n  - id", "a\r\nb", "\t", "\u0001", "\u007F", "\u0085", "\u2028\u2029", "\uFEFF", "\u202Eab", "ü€🖥", "\U0010FFFD", "yes", "no", "null", "~", "0x10", "010", "1e3", "2026-11-21", "12:30:45", "=", "<<", "$(id)", "{{ v1 }}",
    ];

    [Fact(Timeout = 120_000)]
    [Feature("CLI-07")]
    [Feature("CLI-08")]
    [Feature("CLI-09")]
    [Feature("CLI-10")]
    [Feature("CLI-15")]
    [Feature("CLI-16")]
    [Feature("CLI-17")]
    public async Task Everything_that_can_be_said_is_what_cloud_init_reads()
    {
        var config = new CloudConfig
        {
            FullHostName = "web1.example.org",
            HostName = "web1",
            Users =
            {
                new CloudUser { Name = "ana", FullName = "Ana Müller", Shell = "/bin/bash", Groups = { "adm", "www-data" }, Sudo = CloudUser.AllWithoutPassword, SshAuthorizedKeys = { Key }, Password = Secret.FromText("correct horse") },
                new CloudUser { Name = "deploy" },
            },
            KeepDefaultUser = true,
            SshAuthorizedKeys = { Key },
            AllowSshPasswords = false,
            UpgradePackages = true,
            Packages = { "nginx", "libc6=2.36-9" },
            Files = { CloudFile.FromText("/etc/motd", "hello\n"), new CloudFile { Path = "/opt/key", Content = new byte[] { 0, 255, 10 }, Mode = "0600", Owner = "ana:adm", AfterUsers = true } },
            RunCommands = { new[] { "systemctl", "enable", "--now", "nginx" }, new[] { "sh", "-c", "echo a > /tmp/a && true" } },
            BootCommands = { new[] { "modprobe", "br_netfilter" } },
            TimeZone = "Europe/Vienna",
            Locale = "de_AT.UTF-8",
            FinalMessage = "ready: web1",
        };
        string document = config.ToUserData();
        Assert.StartsWith("#cloud-config\n", document, StringComparison.Ordinal);
        Assert.DoesNotContain("correct horse", document, StringComparison.Ordinal);
        await CloudInitProgram.CheckSchemaAsync(document);

        var read = await CloudInitProgram.ReadAsync(document);
        Assert.Equal(("web1", "web1.example.org"), (read.GetProperty("hostname").GetString(), read.GetProperty("fqdn").GetString()));
        var users = read.GetProperty("users");
        Assert.Equal("default", users[0].GetString());
        Assert.Equal(("ana", "Ana Müller", "/bin/bash", "adm, www-data", "ALL=(ALL) NOPASSWD:ALL", false), (
            users[1].GetProperty("name").GetString(), users[1].GetProperty("gecos").GetString(), users[1].GetProperty("shell").GetString(), users[1].GetProperty("groups").GetString(), users[1].GetProperty("sudo").GetString(),
            users[1].GetProperty("lock_passwd").GetBoolean()));
        Assert.Equal(Key, users[1].GetProperty("ssh_authorized_keys")[0].GetString());
        string hash = users[1].GetProperty("passwd").GetString()!;
        var (_, same, _) = await CloudInitProgram.RunAsync(RealPeer.Program("openssl"), ["passwd", "-6", "-salt", hash.Split('$')[2], "-stdin"], "correct horse\n");
        Assert.Equal(same.Trim(), hash);
        Assert.True(users[2].GetProperty("lock_passwd").GetBoolean());
        Assert.Equal(["nginx", "libc6=2.36-9"], read.GetProperty("packages").EnumerateArray().Select(package => package.GetString()!));
        Assert.True(read.GetProperty("package_update").GetBoolean() && read.GetProperty("package_upgrade").GetBoolean());
        Assert.Equal(["systemctl", "enable", "--now", "nginx"], read.GetProperty("runcmd")[0].EnumerateArray().Select(word => word.GetString()!));
        Assert.Equal("echo a > /tmp/a && true", read.GetProperty("runcmd")[1][2].GetString());
        var files = read.GetProperty("write_files");
        Assert.Equal("hello\n", Encoding.UTF8.GetString(files[0].GetProperty("content").GetBytesFromBase64()));
        Assert.Equal(("0600", "ana:adm", true, 3), (files[1].GetProperty("permissions").GetString(), files[1].GetProperty("owner").GetString(), files[1].GetProperty("defer").GetBoolean(), files[1].GetProperty("content").GetBytesFromBase64().Length));
        Assert.Equal("Europe/Vienna", read.GetProperty("timezone").GetString());
    }

    [Fact(Timeout = 120_000)]
    public async Task No_text_adds_to_the_document_or_ends_it()
    {
        string[] texts = [.. WorstTexts.Select(text => text.Data)];
        var config = new CloudConfig { FinalMessage = string.Concat(texts) };
        config.RunCommands.Add([.. texts.Prepend("printf")]);
        foreach (string text in texts.Where(text => text.Length > 0 && !text.Any(char.IsControl)))
            config.BootCommands.Add(["echo", text]);
        string document = config.ToUserData();
        var read = await CloudInitProgram.ReadAsync(document);
        Assert.Equal(["bootcmd", "runcmd", "final_message"], read.EnumerateObject().Select(member => member.Name));
        Assert.Equal(texts, read.GetProperty("runcmd")[0].EnumerateArray().Skip(1).Select(word => word.GetString()!));
        Assert.Equal(string.Concat(texts), read.GetProperty("final_message").GetString());
        Assert.Equal(config.BootCommands.Select(command => command[1]), read.GetProperty("bootcmd").EnumerateArray().Select(command => command[1].GetString()!));
        await CloudInitProgram.CheckSchemaAsync(document);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("x")]
    [InlineData("correct horse battery staple")]
    [InlineData("ü€🖥")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123")]
    [InlineData("01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789")]
    public async Task A_password_is_hashed_as_openssl_hashes_it(string password)
    {
        foreach (string salt in new[] { "saltstring", "./AZaz09", "0123456789abcdef" })
        {
            var (code, output, error) = await CloudInitProgram.RunAsync(RealPeer.Program("openssl"), ["passwd", "-6", "-salt", salt, "-stdin"], password + "\n");
            Assert.True(code == 0, error);
            Assert.Equal(output.Trim(), Sha512Crypt.Hash(Encoding.UTF8.GetBytes(password), salt));
        }

        Assert.NotEqual(Sha512Crypt.Hash("a"u8), Sha512Crypt.Hash("a"u8));
    }

    public static TheoryData<string, Action<CloudConfig>> BadValues => new()
    {
        { "users[0].name", config => config.Users.Add(new CloudUser { Name = "root\n" }) },
        { "users[0].name", config => config.Users.Add(new CloudUser { Name = "-rf" }) },
        { "users[0].name", config => config.Users.Add(new CloudUser { Name = "" }) },
        { "users", config => Array.ForEach(["a", "a"], name => config.Users.Add(new CloudUser { Name = name })) },
        { "users[0].fullName", config => config.Users.Add(new CloudUser { Name = "a", FullName = "A: B" }) },
        { "users[0].shell", config => config.Users.Add(new CloudUser { Name = "a", Shell = "bash" }) },
        { "users[0].groups[1]", config => config.Users.Add(new CloudUser { Name = "a", Groups = { "b", "c,d" } }) },
        { "users[0].sudo", config => config.Users.Add(new CloudUser { Name = "a", Sudo = "true" }) },
        { "users[0].sudo", config => config.Users.Add(new CloudUser { Name = "a", Sudo = "ALL=(ALL) ALL\nb ALL=(ALL) NOPASSWD:ALL" }) },
        { "users[0].password", config => config.Users.Add(new CloudUser { Name = "a", Password = Secret.FromText("canary\nb") }) },
        { "users[0].sshAuthorizedKeys[0]", config => config.Users.Add(new CloudUser { Name = "a", SshAuthorizedKeys = { "-----BEGIN OPENSSH PRIVATE KEY-----" } }) },
        { "users[0].sshAuthorizedKeys[0]", config => config.Users.Add(new CloudUser { Name = "a", SshAuthorizedKeys = { "command=\"id\" " + Key } }) },
        { "sshAuthorizedKeys[0]", config => config.SshAuthorizedKeys.Add(Key.Replace("AAAAC3Nza", "AAAAD3Nza", StringComparison.Ordinal)) },
        { "sshAuthorizedKeys[0]", config => config.SshAuthorizedKeys.Add(Key + "\n" + Key) },
        { "hostName", config => config.HostName = "-web" },
        { "fullHostName", config => config.FullHostName = "web..org" },
        { "packages[0]", config => config.Packages.Add("-o=APT::Update::Pre-Invoke::=id") },
        { "files[0].path", config => config.Files.Add(CloudFile.FromText("/etc/../shadow", "")) },
        { "files[0].path", config => config.Files.Add(CloudFile.FromText("etc/motd", "")) },
        { "files[0].mode", config => config.Files.Add(new CloudFile { Path = "/a", Content = default, Mode = "u+s" }) },
        { "files[0].owner", config => config.Files.Add(new CloudFile { Path = "/a", Content = default, Owner = "a b" }) },
        { "files[0].content", config => config.Files.Add(new CloudFile { Path = "/a", Content = new byte[(256 << 10) + 1] }) },
        { "runCommands[0]", config => config.RunCommands.Add([]) },
        { "runCommands[0][1]", config => config.RunCommands.Add(["a", "b\0"]) },
        { "timeZone", config => config.TimeZone = "Europe/Vienna\n" },
        { "locale", config => config.Locale = "" },
        { "finalMessage", config => config.FinalMessage = new string('a', (64 << 10) + 1) },
        { "keepDefaultUser", config => config.KeepDefaultUser = false },
    };

    [Theory]
    [MemberData(nameof(BadValues))]
    public void A_value_that_breaks_its_rule_is_named(string field, Action<CloudConfig> set)
    {
        var config = new CloudConfig();
        set(config);
        var error = Assert.Throws<HypervisorException>(config.ToUserData);
        Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.NotSent), (error.Code, error.Outcome));
        Assert.Contains(field, error.FieldErrors!.Keys);
        Assert.DoesNotContain("canary", error.Message, StringComparison.Ordinal);
    }
}
