using System.Globalization;
using PageFold.Shared;

namespace PageFold.Nbd.Session;

/// <summary>
/// The lines that connections cause, once per kind and minute: a client that repeats what is worth a line cannot flood the log.
/// Thread-safe.
/// </summary>
/// <remarks>
/// Lines are of one kind if they differ in digits alone. The kinds are those of the messages in the code; should there be more than <see
/// cref="MaxKinds"/> in a minute, the rest count as one.
/// </remarks>
internal sealed class ServerLog(Action<string> tell, TimeProvider time)
{
    public const int MaxKinds = 64;
    private const string Rest = "other lines";
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Kind> _kinds = [];

    /// <summary>Tells a line, or counts it if one of its kind was told in the last minute.</summary>
    public void Tell(string line)
    {
        line = PrintableText.Of(line);
        lock (_lock)
        {
            string key = new([.. line.Where(c => !char.IsAsciiDigit(c))]);
            if (!_kinds.ContainsKey(key) && _kinds.Count >= MaxKinds)
                key = Rest;
            if (_kinds.TryGetValue(key, out Kind? kind))
            {
                kind.More++;
                return;
            }
            _kinds.Add(key, new Kind(line, time.GetTimestamp()));
        }
        tell(line);
    }

    /// <summary>Tells how many lines were left out, of kinds whose minute is over. To be called now and then.</summary>
    public void Sum() => Sum(all: false);

    /// <summary>The same for all kinds, at the end.</summary>
    public void Sum(bool all)
    {
        List<string> lines = [];
        lock (_lock)
        {
            foreach ((string key, Kind kind) in _kinds)
            {
                if (!all && time.GetElapsedTime(kind.Since) < Window)
                    continue;
                _kinds.Remove(key);
                string more = kind.More.ToString("N0", CultureInfo.InvariantCulture);
                if (kind.More > 0)
                    lines.Add($"... {more} more like this in the last minute: {kind.Line}");
            }
        }
        lines.ForEach(tell);
    }

    private sealed class Kind(string line, long since)
    {
        public string Line => line;

        public long Since => since;

        public long More { get; set; }
    }
}
