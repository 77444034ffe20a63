using System.Globalization;
using PageFold.CacheBench.Values;
using PageFold.Cli;

namespace PageFold.CacheBench.Traces;

/// <summary>A trace that is made, as <c>--generate</c> names it; the same for the same seed.</summary>
/// <remarks>
/// <list type="bullet">
/// <item><c>zipf:KEYS:REQUESTS:EXPONENT</c>: independent requests, of which the key of rank r gets a share of 1 / r^EXPONENT.</item>
/// <item><c>scan:KEYS:REQUESTS:LENGTH</c>: such requests with the exponent 0.9, and after each LENGTH of them a scan of LENGTH keys that
/// are never requested again.</item>
/// <item><c>loop:KEYS:REQUESTS</c>: all keys in order, again and again.</item>
/// </list>
/// </remarks>
internal sealed class GeneratedTrace
{
    private const int MaxKeys = 100_000_000;
    private const int MaxRequests = 1_000_000_000;
    private const double MaxExponent = 10;
    private const double ScanExponent = 0.9;

    private readonly string _text;
    private readonly string _kind;
    private readonly int _keys;
    private readonly int _requests;
    private readonly double _exponent = ScanExponent;
    private readonly int _length;

    private GeneratedTrace(string text)
    {
        _text = text;
        string[] parts = text.Split(':');
        _kind = parts[0];
        if ((_kind, parts.Length) is not (("zipf", 4) or ("scan", 4) or ("loop", 3)))
        {
            throw new UserErrorException(
                $"--generate {Arguments.Shown(text)} is no stream; write zipf:KEYS:REQUESTS:EXPONENT, scan:KEYS:REQUESTS:LENGTH or "
                    + "loop:KEYS:REQUESTS.");
        }
        _keys = Number(parts[1], "KEYS", MaxKeys);
        _requests = Number(parts[2], "REQUESTS", MaxRequests);
        if (_kind == "scan")
            _length = Number(parts[3], "LENGTH", MaxRequests);
        else if (_kind == "zipf")
            _exponent = Exponent(parts[3]);
    }

    public static GeneratedTrace Parse(string text) => new(text);

    public Trace Make(int seed)
    {
        TraceBuilder requests = new();
        if (_kind == "loop")
        {
            for (int i = 0; i < _requests; i++)
                requests.Add((ulong)(i % _keys));
            return requests.Build(_text);
        }
        Random random = new(seed);
        Zipf zipf = new(_keys, _exponent);
        ulong next = (ulong)_keys;
        for (int i = 0; i < _requests; i++)
        {
            bool scans = _length > 0 && i / _length % 2 == 1;
            requests.Add(scans ? next++ : (ulong)zipf.Next(random));
        }
        return requests.Build(_text);
    }

    private int Number(string part, string what, int most) =>
        int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= 1 && value <= most
            ? value
            : throw new UserErrorException($"--generate {_text}: {what} is {Arguments.Shown(part)}; choose 1 to {most}.");

    private double Exponent(string part) =>
        double.TryParse(part, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) && value <= MaxExponent
            ? value
            : throw new UserErrorException($"--generate {_text}: EXPONENT is {Arguments.Shown(part)}; choose 0 to {MaxExponent}.");
}
