using System.Globalization;
using System.Text;
using PageFold.Shared;

namespace PageFold.Cli.Serve;

/// <summary>
/// The log of a serving command on standard error, a line each. What clients and disks cause, and may cause a thousand times, is told once
/// per kind and minute, with the number of lines that were left out.
/// </summary>
/// <remarks>Thread-safe. Lines of one kind differ in numbers only. Control characters, which names from outside may have, are
/// escaped.</remarks>
internal sealed class ServeLog : IDisposable
{
    private const int MaxKinds = 64;
    private const int LongestLine = 1000;
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Kind> _kinds = [];
    private readonly Action<string> _write;
    private readonly TimeProvider _clock;
    private readonly ITimer _timer;

    /// <param name="write">Writes a line; standard error if left out.</param>
    /// <param name="clock">Tells the time; the system's if left out.</param>
    public ServeLog(Action<string>? write = null, TimeProvider? clock = null)
    {
        _write = write ?? WriteToStandardError;
        _clock = clock ?? TimeProvider.System;
        _timer = _clock.CreateTimer(_ => TellOmitted(all: false), null, Period, Period);
    }

    /// <summary>Tells a line that comes once.</summary>
    public void Tell(string line) =>
        _write($"pagefold: {PrintableText.Of(line.Length <= LongestLine ? line : line[..LongestLine] + " ...")}");

    /// <summary>Tells a line that may come again and again: the first of its kind in a minute.</summary>
    public void TellSeldom(string line)
    {
        string key = KeyOf(line);
        long now = _clock.GetTimestamp();
        lock (_lock)
        {
            // Many kinds at once are themselves a kind.
            if (!_kinds.ContainsKey(key) && _kinds.Count >= MaxKinds)
                key = string.Empty;
            if (_kinds.TryGetValue(key, out Kind? kind))
            {
                kind.Omitted++;
                kind.Last = line;
                return;
            }
            _kinds.Add(key, new Kind(now));
        }
        Tell(line);
    }

    /// <summary>Tells what was left out so far.</summary>
    public void TellOmitted() => TellOmitted(all: true);

    /// <summary>The same, at the end.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        TellOmitted();
    }

    /// <summary>
    /// Tells how many lines of each kind were left out, once its minute is over. A kind that keeps coming begins a new minute.
    /// </summary>
    private void TellOmitted(bool all)
    {
        List<string> lines = [];
        lock (_lock)
        {
            foreach ((string key, Kind kind) in _kinds.ToArray())
            {
                if (!all && _clock.GetElapsedTime(kind.Since) < Period)
                    continue;
                _kinds.Remove(key);
                if (kind.Omitted == 0)
                    continue;
                lines.Add(kind.Omitted == 1 ? kind.Last
                    : string.Create(CultureInfo.InvariantCulture, $"{kind.Last} (and {kind.Omitted - 1:N0} more like it)"));
                if (!all)
                    _kinds.Add(key, new Kind(_clock.GetTimestamp()));
            }
        }
        lines.ForEach(Tell);
    }

    // Ports, pages and sizes make no new kind.
    private static string KeyOf(string line)
    {
        StringBuilder key = new(Math.Min(line.Length, LongestLine));
        foreach (char letter in line.AsSpan(0, Math.Min(line.Length, LongestLine)))
        {
            if (!char.IsAsciiDigit(letter))
                key.Append(letter);
            else if (key.Length == 0 || key[^1] != '#')
                key.Append('#');
        }
        return key.ToString();
    }

    private static void WriteToStandardError(string line)
    {
        try
        {
            Console.Error.WriteLine(line);
        }
        catch (IOException)
        {
            // Nothing reads the log any more; the disk goes on.
        }
    }

    private sealed class Kind(long since)
    {
        public long Since => since;

        public long Omitted { get; set; }

        public string Last { get; set; } = string.Empty;
    }
}
