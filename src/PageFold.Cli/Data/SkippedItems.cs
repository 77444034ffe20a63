namespace PageFold.Cli.Data;

/// <summary>The items that could not be read: their number, and the first few with reasons.</summary>
internal sealed class SkippedItems
{
    private const int MaxNamed = 5;

    private readonly List<SkippedItem> _named = [];

    public int Count { get; private set; }

    public IReadOnlyList<SkippedItem> Named => _named;

    public void Add(string name, string reason)
    {
        Count++;
        if (_named.Count < MaxNamed)
            _named.Add(new SkippedItem(name, reason));
    }

    /// <summary>A description for the end of a sentence.</summary>
    public string Description => Count == 0
        ? string.Empty
        : $"{Figures.Count(Count, "file or folder", "files or folders")} could not be read: "
            + $"{string.Join(", ", _named.Select(item => $"{item.Name} ({item.Reason})"))}"
            + $"{(Count > MaxNamed ? $", and {Figures.Of(Count - MaxNamed, "N0")} more" : string.Empty)}";
}

/// <summary>A file or folder that could not be read.</summary>
/// <param name="Name">Its name, escaped for messages.</param>
/// <param name="Reason">The reason.</param>
internal sealed record SkippedItem(string Name, string Reason);
