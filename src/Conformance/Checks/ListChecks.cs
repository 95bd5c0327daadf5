namespace Hypervisor.Sdk.Conformance;

/// <summary>LIST: what is there. NAME: what it may be called.</summary>
internal static class ListChecks
{
    public static IReadOnlyList<ConformanceCheck> All { get; } =
    [
        new() { Id = "LIST-01", Sentence = "A list names every instance once, page by page, with at most as many items on a page as asked for.", Needs = [CheckNeed.Compute], Body = PagesName },
        new() { Id = "LIST-02", Sentence = "A filter by state, name, label, template or node gives what matches it, and nothing else.", Needs = [CheckNeed.Compute], Body = Filters },
        new() { Id = "LIST-03", Sentence = "An instance that is there all the time is listed once, whatever is created and deleted between the pages.", Needs = [CheckNeed.Compute], Body = ListUnderChange },
        new() { Id = "LIST-04", Sentence = "A page of no items, or one that continues another list, is misuse.", Needs = [CheckNeed.Compute], Body = BadPagesAreMisuse },
        new() { Id = "LIST-05", Sentence = "A node that does not answer is named by the list, and does not fail it.", Needs = [CheckNeed.Compute, CheckNeed.From(ConformanceAbility.CutNodes)], Body = UnreachableNodesAreNamed },
        new() { Id = "LIST-06", Sentence = "A watch from the position of a page misses nothing that happened after the page.", Needs = [CheckNeed.Compute], Body = PositionMissesNothing },
        new() { Id = "LIST-07", Sentence = "Every enumeration of a list asks the backend anew.", Needs = [CheckNeed.Compute], Body = ListsAskAnew },
        new() { Id = "NAME-01", Sentence = "A name of the greatest length, of every allowed character, is accepted and comes back verbatim.", Needs = [CheckNeed.Compute], Body = NamesAtTheLimits },
        new() { Id = "NAME-02", Sentence = "A name that the naming rules do not accept is refused (invalid-argument) before anything is sent, and the refusal names the field.", Needs = [CheckNeed.Compute], Body = BadNamesAreRefused },
        new() { Id = "NAME-03", Sentence = "A label that begins with 'hvsdk.' is refused (invalid-argument), in a create and in a change.", Needs = [CheckNeed.Compute], Body = OurLabelsAreRefused },
        new() { Id = "NAME-04", Sentence = "A rename to a name that the naming rules do not accept is refused (invalid-argument), and the name stays.", Needs = [CheckNeed.Compute], Body = BadRenamesAreRefused },
    ];

    private static async Task PagesName(CheckContext c)
    {
        var made = new List<string>();
        for (int i = 0; i < 5; i++)
            made.Add((await c.CreateAsync().ConfigureAwait(false)).Id.ToString());
        foreach (int maxItems in new[] { 1, 2, 500 })
        {
            var seen = await PagesAsync(c, maxItems).ConfigureAwait(false);
            c.RequireEqual(string.Join(", ", made.Order(StringComparer.Ordinal)), string.Join(", ", seen.Order(StringComparer.Ordinal)), $"The list by pages of {maxItems}");
        }
    }

    private static async Task<List<string>> PagesAsync(CheckContext c, int maxItems, Func<Task>? between = null)
    {
        var seen = new List<string>();
        string? continuation = null;
        do
        {
            var page = await c.Compute.List().GetPageAsync(continuation, maxItems, c.Token).ConfigureAwait(false);
            c.Require(page.Items.Count <= maxItems, $"A page of at most {maxItems} items has {page.Items.Count}.");
            seen.AddRange(page.Items.Where(item => item.Name.StartsWith(c.NamePrefix, StringComparison.Ordinal)).Select(item => item.Id.ToString()));
            c.Require(page.Continuation is null || page.Continuation != continuation, $"A page continues itself: '{continuation}'.");
            continuation = page.Continuation;
            if (between is not null && continuation is not null)
                await between().ConfigureAwait(false);
        }
        while (continuation is not null);
        return seen;
    }

    private static async Task Filters(CheckContext c)
    {
        var odd = await c.CreateAsync(spec => spec.Labels["parity"] = "odd").ConfigureAwait(false);
        var even = await c.CreateAsync(spec => spec.Labels["parity"] = "even").ConfigureAwait(false);
        await c.StartAsync(odd.Id).ConfigureAwait(false);
        await OnlyAsync("state running", new InstanceFilter { State = PowerState.Running }, odd).ConfigureAwait(false);
        await OnlyAsync("state stopped", new InstanceFilter { State = PowerState.Stopped }, even).ConfigureAwait(false);
        await OnlyAsync($"name '{even.Name}'", new InstanceFilter { Name = even.Name }, even).ConfigureAwait(false);
        await OnlyAsync("label parity=odd", new InstanceFilter { Labels = new Dictionary<string, string> { ["parity"] = "odd" } }, odd).ConfigureAwait(false);
        await OnlyAsync("label parity=none", new InstanceFilter { Labels = new Dictionary<string, string> { ["parity"] = "none" } }).ConfigureAwait(false);
        await OnlyAsync("templates only", new InstanceFilter { IsTemplate = true }).ConfigureAwait(false);
        await OnlyAsync("another node", new InstanceFilter { Node = NodeName.Parse("no-such-node") }).ConfigureAwait(false);
        foreach (var node in new[] { odd.Node, even.Node }.OfType<NodeName>().Distinct())
            await OnlyAsync($"node {node}", new InstanceFilter { Node = node }, [.. new[] { odd, even }.Where(made => made.Node == node)]).ConfigureAwait(false);

        async Task OnlyAsync(string filter, InstanceFilter by, params Instance[] expected) =>
            c.RequireEqual(string.Join(", ", expected.Select(instance => instance.Name)), string.Join(", ", (await c.ListOwnAsync(by).ConfigureAwait(false)).Select(instance => instance.Name)), $"The list of the filter {filter}");
    }

    private static async Task ListUnderChange(CheckContext c)
    {
        var steady = new List<string>();
        var passing = new Queue<InstanceId>();
        for (int i = 0; i < 4; i++)
        {
            steady.Add((await c.CreateAsync().ConfigureAwait(false)).Id.ToString());
            passing.Enqueue((await c.CreateAsync().ConfigureAwait(false)).Id);
        }

        var seen = await PagesAsync(c, 2, async () =>
        {
            if (passing.TryDequeue(out var id))
                await c.DeleteAsync(id).ConfigureAwait(false);
            await c.CreateAsync().ConfigureAwait(false);
        }).ConfigureAwait(false);
        foreach (string id in steady)
            c.RequireEqual(1, seen.Count(other => other == id), $"How often the instance '{id}' is listed that was there all the time");
    }

    private static async Task BadPagesAreMisuse(CheckContext c)
    {
        await c.MisusedAsync("A page of no items", () => c.Compute.List().GetPageAsync(null, 0, c.Token)).ConfigureAwait(false);
        await c.MisusedAsync("A page that continues another list", () => c.Compute.List().GetPageAsync("no page of this list has said so", 10, c.Token)).ConfigureAwait(false);
    }

    private static async Task UnreachableNodesAreNamed(CheckContext c)
    {
        var nodes = c.Target.Nodes!;
        var made = await c.CreateAsync().ConfigureAwait(false);
        c.Require(made.Node is not null, "An instance of a backend with nodes does not say on which it is.");
        var node = made.Node.Value;
        c.Afterwards(token => nodes.HealAsync(node, token));
        await nodes.CutAsync(node, c.Token).ConfigureAwait(false);
        var unreachable = new List<HypervisorException>();
        string? continuation = null;
        do
        {
            var page = await c.Compute.List().GetPageAsync(continuation, 100, c.Token).ConfigureAwait(false);
            unreachable.AddRange(page.Unreachable);
            continuation = page.Continuation;
        }
        while (continuation is not null);
        c.Require(unreachable.Exists(error => error.Code == ErrorCode.Unavailable && (error.Resource + error.Message).Contains(node.ToString(), StringComparison.Ordinal)),
            $"The node '{node}' does not answer, and no page names it: {CheckContext.Print(unreachable.Select(error => error.Message))}.");
        await nodes.HealAsync(node, c.Token).ConfigureAwait(false);
        await c.EventuallyAsync("The instance on a node that answers again being listed", () => c.ListOwnAsync(), list => list.Any(instance => instance.Id == made.Id)).ConfigureAwait(false);
    }

    private static async Task PositionMissesNothing(CheckContext c)
    {
        var page = await c.Compute.List().GetPageAsync(null, 500, c.Token).ConfigureAwait(false);
        if (page.Position is not { } position)
            throw new CheckSkippedException("The backend's pages say no position.");
        var made = await c.CreateAsync().ConfigureAwait(false);
        var subscription = await c.Compute.WatchAsync(new WatchOptions { After = position }, c.Token).ConfigureAwait(false);
        await using (((IAsyncDisposable)subscription).ConfigureAwait(false))
            await EventChecks.UntilAsync(c, subscription, "the creation of an instance after the page", next => next is InstanceCreated created && created.Id == made.Id).ConfigureAwait(false);
    }

    private static async Task ListsAskAnew(CheckContext c)
    {
        var list = c.Compute.List(new InstanceFilter { Labels = new Dictionary<string, string> { ["anew"] = c.NamePrefix } });
        c.RequireEqual(0, await CountAsync().ConfigureAwait(false), "The number of instances of a list before any is made");
        await c.CreateAsync(spec => spec.Labels["anew"] = c.NamePrefix).ConfigureAwait(false);
        c.RequireEqual(1, await CountAsync().ConfigureAwait(false), "The number of instances of the same list after one is made");

        async Task<int> CountAsync()
        {
            int count = 0;
            await foreach (var _ in list.WithCancellation(c.Token).ConfigureAwait(false))
                count++;
            return count;
        }
    }

    private static async Task NamesAtTheLimits(CheckContext c)
    {
        var rules = c.Backend.Info.Naming;
        int length = Math.Min(rules.MaxLength, 255);
        string characters = AllowedBy(rules);
        c.Require(rules.Accepts(c.NamePrefix + "x", out string? problem), $"The target's prefix is no name here: {problem}");
        // A hyphen or a dot at the end is another rule of some backends' own: the last one is a letter.
        string longest = (c.NamePrefix + string.Concat(Enumerable.Repeat(characters, 1 + (length / characters.Length))))[..(length - 1)] + "x";
        var made = await c.CreateAsync(spec => spec.Name = InstanceName.Parse(longest)).ConfigureAwait(false);
        c.RequireEqual(longest, made.Name, "The name of the greatest length");
        c.RequireEqual(longest, (await c.ListOwnAsync().ConfigureAwait(false)).Single().Name, "The name of the greatest length in a list");
    }

    private static string AllowedBy(NamingRules rules) =>
        new([.. Enumerable.Range(' ', 95).Select(code => (char)code).Where(character => rules.Accepts(FirstOf(rules) + character.ToString(), out _) && InstanceName.TryParse("a" + character + "a", null, out _) && character != ' ')]);

    private static char FirstOf(NamingRules rules) => Enumerable.Range('!', 94).Select(code => (char)code).First(character => rules.Accepts(character.ToString(), out _));

    private static IEnumerable<(InstanceName Name, string What)> BadNames(CheckContext c)
    {
        var rules = c.Backend.Info.Naming;
        if (rules.MaxLength < 255)
            yield return (InstanceName.Parse(c.NamePrefix + new string('x', rules.MaxLength - c.NamePrefix.Length + 1)), "that is one character too long");
        foreach (char character in " _.:A%ü")
        {
            if (!rules.Accepts(c.NamePrefix + character + "x", out _))
                yield return (InstanceName.Parse(c.NamePrefix + character + "x"), $"with the character '{character}'");
        }

        foreach (char character in "_.Aü")
        {
            if (!rules.Accepts(character + c.NamePrefix, out _))
                yield return (InstanceName.Parse(character + c.NamePrefix), $"that begins with '{character}'");
        }
    }

    private static async Task BadNamesAreRefused(CheckContext c)
    {
        int tried = 0;
        foreach (var (name, what) in BadNames(c))
        {
            var error = await c.RefusedAsync($"Creating an instance of a name {what}", () => c.CreateAsync(spec => spec.Name = name), ErrorCode.InvalidArgument).ConfigureAwait(false);
            c.RequireEqual(RequestOutcome.NotSent, error.Outcome, $"The outcome of creating an instance of a name {what}");
            c.Require(error.FieldErrors?.Keys.Any(field => field.Contains("name", StringComparison.OrdinalIgnoreCase)) ?? false, $"The refusal of a name {what} does not name the field 'name' in its FieldErrors: {error.Message}");
            tried++;
        }

        if (tried == 0)
            c.Skip("The naming rules accept every name that an InstanceName can be.");
        c.RequireEqual(0, (await c.ListOwnAsync().ConfigureAwait(false)).Count, "The number of instances after bad names were refused");
        if (c.Target.Connection is { } connection)
            await RequireNothingSentAsync(c, connection).ConfigureAwait(false);
    }

    /// <summary>The next request is lost on its way: whoever sends a bad name loses that one, and hears no refusal.</summary>
    private static async Task RequireNothingSentAsync(CheckContext c, IConnectionFaults connection)
    {
        var client = await c.ConnectDisturbedAsync().ConfigureAwait(false);
        var (name, what) = BadNames(c).First();
        connection.LoseNextReply(LostReply.BeforeEffect);
        await c.RefusedAsync($"Creating an instance of a name {what} while the next request is lost", () => c.BeginCreateAsync(c.NewSpec(spec => spec.Name = name), null, client).WaitForCompletionAsync(c.Token), ErrorCode.InvalidArgument).ConfigureAwait(false);
        var lost = await c.FailsAsync("The next creation, whose request is lost, after a bad name was refused of which nothing was sent,", () => c.BeginCreateAsync(c.NewSpec(), null, client).WaitForCompletionAsync(c.Token)).ConfigureAwait(false);
        c.RequireEqual(RequestOutcome.Unknown, lost.Outcome, "The outcome of a creation whose request is lost");
    }

    private static async Task OurLabelsAreRefused(CheckContext c)
    {
        await c.RefusedAsync("Creating an instance with the label 'hvsdk.x'", () => c.CreateAsync(spec => spec.Labels["hvsdk.x"] = "y"), ErrorCode.InvalidArgument).ConfigureAwait(false);
        var made = await c.CreateAsync().ConfigureAwait(false);
        await c.RefusedAsync("Changing the label 'hvsdk.x'", () => c.ChangeAsync(made.Id, change => change.Labels["hvsdk.x"] = "y"), ErrorCode.InvalidArgument).ConfigureAwait(false);
    }

    private static async Task BadRenamesAreRefused(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        int tried = 0;
        foreach (var (name, what) in BadNames(c))
        {
            await c.RefusedAsync($"Renaming an instance to a name {what}", () => c.ChangeAsync(made.Id, change => change.Name = name), ErrorCode.InvalidArgument, ErrorCode.Unsupported).ConfigureAwait(false);
            tried++;
        }

        if (tried == 0)
            c.Skip("The naming rules accept every name that an InstanceName can be.");
        c.RequireEqual(made.Name, (await c.GetAsync(made.Id).ConfigureAwait(false)).Name, "The name after bad renames were refused");
    }
}
