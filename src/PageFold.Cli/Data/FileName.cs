using System.Globalization;
using System.Text;
using PageFold.Shared;

namespace PageFold.Cli.Data;

/// <summary>The name of a file in the system's own form: bytes on Linux, which need not be valid text, and text elsewhere.</summary>
internal sealed class FileName
{
    // .NET replaces bytes that are not UTF-8 by this character.
    private const char Replacement = '\uFFFD';

    private static readonly string[] DescriptorFolders = ["/dev/fd/", "/proc/self/fd/"];

    private readonly byte[] _bytes;
    private readonly string? _text;

    private FileName(byte[] bytes, string? text)
    {
        _bytes = bytes;
        _text = text;
    }

    /// <summary>The bytes and a final zero; Linux.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>The text, for systems whose names are text.</summary>
    public string Text => _text ?? Encoding.UTF8.GetString(_bytes.AsSpan(0, _bytes.Length - 1));

    /// <summary>Makes a name from an argument of the command line.</summary>
    public static FileName Of(string argument)
    {
        byte[] bytes = [.. Encoding.UTF8.GetBytes(argument), 0];
        if (argument.Contains(Replacement, StringComparison.Ordinal) && OperatingSystem.IsLinux())
        {
            // The original bytes of the argument.
            foreach (byte[] original in RawArguments())
            {
                if (Encoding.UTF8.GetString(original) == argument)
                    return new FileName([.. original, 0], null);
            }
        }
        return new FileName(bytes, argument);
    }

    /// <summary>Makes the name of a file in this folder.</summary>
    /// <param name="name">The bytes and a final zero.</param>
    public FileName Child(ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> folder = _bytes.AsSpan(0, _bytes.Length - 1);
        return new FileName(folder.EndsWith("/"u8) ? [.. folder, .. name] : [.. folder, (byte)'/', .. name], null);
    }

    /// <summary>True if an argument names a descriptor of this process, such as <c>-</c> or <c>/dev/stdin</c>.</summary>
    public static bool IsDescriptor(string argument, out int descriptor)
    {
        descriptor = argument switch { "-" or "/dev/stdin" => 0, "/dev/stdout" => 1, "/dev/stderr" => 2, _ => -1 };
        foreach (string folder in DescriptorFolders)
        {
            if (argument.StartsWith(folder, StringComparison.Ordinal)
                && int.TryParse(argument.AsSpan(folder.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int number))
                descriptor = number;
        }
        return descriptor >= 0;
    }

    /// <summary>The name for messages.</summary>
    public override string ToString() => _text is null ? PrintableText.Of(_bytes.AsSpan(0, _bytes.Length - 1)) : PrintableText.Of(_text);

    private static IEnumerable<byte[]> RawArguments()
    {
        byte[] line = File.ReadAllBytes("/proc/self/cmdline");
        for (int begin = 0; begin < line.Length;)
        {
            int length = line.AsSpan(begin).IndexOf((byte)0);
            length = length < 0 ? line.Length - begin : length;
            yield return line[begin..(begin + length)];
            begin += length + 1;
        }
    }
}
