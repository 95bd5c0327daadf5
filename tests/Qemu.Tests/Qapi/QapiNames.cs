namespace Hypervisor.Sdk.Qemu.Tests.Qapi;

/// <summary>The table of names that the generator writes beside the code: one line for each definition of the schemas.</summary>
internal sealed class QapiNames
{
    private readonly Dictionary<string, Line> _lines = [];

    private QapiNames(string file)
    {
        foreach (string text in File.ReadLines(Repository.PathOf("tests", "Qemu.Tests", "Qapi", file)).Where(text => !text.StartsWith('#')))
        {
            string[] words = text.Split(' ');
            if (words[0] == "renamed")
                Renamed.Add(words[1], words[2]);
            else if (words[0] == "unused")
                Unused.Add(words[1]);
            else
                _lines.Add(words[1], new Line(words));
        }
    }

    public static QapiNames Qmp { get; } = new("QmpNames.txt");

    public static QapiNames GuestAgent { get; } = new("GuestAgentNames.txt");

    public Dictionary<string, string> Renamed { get; } = [];

    public List<string> Unused { get; } = [];

    public IEnumerable<Line> All => _lines.Values;

    public Line this[string name] => _lines[name];

    public IReadOnlyList<string> Of(string kind, string version) => [.. from line in All where line.Kind == kind && line.Versions.Contains(version) select line.Name];

    /// <summary>The members that an object has at its first level in one version, those of its branches included; true when optional.</summary>
    public Dictionary<string, bool> MembersOf(Line line, string version)
    {
        if (line.Data is { } data)
            return MembersOf(this[data], version);
        var members = line.Members.Where(member => member.In(version)).ToDictionary(member => member.Name, member => member.IsOptional);
        foreach (var branch in line.Branches.Where(branch => branch.In(version)))
        {
            foreach (var (name, _) in MembersOf(this[branch.Type], version))
                members.TryAdd(name, true);
        }

        return members;
    }

    internal sealed class Line
    {
        public Line(string[] words)
        {
            (Kind, Name, Versions) = (words[0], words[1], words[2].Split(','));
            foreach (string word in words.Skip(3))
            {
                if (word.StartsWith("data=", StringComparison.Ordinal))
                    Data = word[5..];
                else if (word.StartsWith("returns=", StringComparison.Ordinal) || word.StartsWith("tag=", StringComparison.Ordinal))
                    continue;
                else if (word.StartsWith('|'))
                    Branches.Add(new Member(word[1..], Versions));
                else
                    Members.Add(new Member(word, Versions));
            }
        }

        public string Kind { get; }

        public string Name { get; }

        public string[] Versions { get; }

        public string? Data { get; }

        public List<Member> Members { get; } = [];

        public List<Member> Branches { get; } = [];
    }

    internal sealed class Member
    {
        private readonly string[] _versions;

        public Member(string word, string[] versions)
        {
            string[] at = word.Split('@');
            _versions = at.Length > 1 ? at[1].Split(',') : versions;
            string[] typed = at[0].Split(':');
            Name = typed[0];
            IsOptional = typed.Length > 1 && typed[1].EndsWith('?');
            Type = typed.Length > 1 ? typed[1].TrimEnd('?') : "";
        }

        public string Name { get; }

        public string Type { get; }

        public bool IsOptional { get; }

        public bool In(string version) => _versions.Contains(version);
    }
}
