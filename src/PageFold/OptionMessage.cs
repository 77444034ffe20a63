using System.Globalization;
using System.Runtime.CompilerServices;

namespace PageFold;

/// <summary>The message of an exception, in which a program can put its own names in place of the names of options.</summary>
/// <remarks>
/// <para>
/// An exception that an option causes names the option, its value and the remedy, and often other options too, all by their properties, as
/// in <c>MemoryLimit</c> and <c>Writeback.Path</c>. A program whose users know an option by another name, that of a command line or of a
/// configuration file, shows them the result of <see cref="Rename"/>. Names are replaced where the library wrote a name, not where a value
/// such as a path happens to contain one.
/// </para>
/// <para>
/// A library with options of its own writes its messages in the same way: <c>throw OptionMessage.Create(text => new
/// ArgumentException(text), $"{new OptionName("Length")} is {length}; choose more than zero.")</c>.
/// </para>
/// <para>Thread-safe once it is built.</para>
/// </remarks>
/// <param name="literalLength">What the compiler passes to a handler of interpolated strings; not used.</param>
/// <param name="formattedCount">What the compiler passes to a handler of interpolated strings.</param>
[InterpolatedStringHandler]
public sealed class OptionMessage(int literalLength, int formattedCount)
{
    private const string Key = "PageFold.OptionMessage";

    // Text, and names of options.
    private readonly List<object> _parts = new(Math.Min(2 * formattedCount + 1, literalLength + formattedCount));

    /// <summary>The option that the message is about, the first that it names; null if it names none.</summary>
    public string? Option => _parts.OfType<OptionName>().Select(name => name.Property).FirstOrDefault();

    /// <summary>True if the message names an option.</summary>
    /// <param name="property">The name as in <see cref="OptionName.Property"/>.</param>
    public bool Names(string property) => _parts.OfType<OptionName>().Any(name => name.Property == property);

    /// <summary>Adds text of an interpolated string.</summary>
    public void AppendLiteral(string value) => _parts.Add(value);

    /// <summary>Adds the name of an option.</summary>
    public void AppendFormatted(OptionName name) => _parts.Add(name);

    /// <summary>Adds a value, formatted with the invariant culture.</summary>
    public void AppendFormatted<T>(T value) => AppendFormatted(value, format: null);

    /// <summary>Adds a value, formatted with the invariant culture.</summary>
    public void AppendFormatted<T>(T value, string? format) => _parts.Add(
        value is IFormattable formattable ? formattable.ToString(format, CultureInfo.InvariantCulture) : value?.ToString() ?? string.Empty);

    /// <summary>Creates an exception with this message, from which <see cref="Of"/> gets it back.</summary>
    /// <param name="create">Creates the exception with the text of the message.</param>
    /// <param name="message">The message.</param>
    public static T Create<T>(Func<string, T> create, OptionMessage message)
        where T : Exception
    {
        ArgumentNullException.ThrowIfNull(create);
        ArgumentNullException.ThrowIfNull(message);
        T exception = create(message.ToString());
        exception.Data[Key] = message;
        return exception;
    }

    /// <summary>Gets the message of an exception; null if it names no option.</summary>
    public static OptionMessage? Of(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return exception.Data[Key] as OptionMessage;
    }

    /// <summary>Gets the text of an exception with a program's names of options in it.</summary>
    /// <param name="exception">Any exception. One that names no option keeps its text, without the parameter of an <see
    /// cref="ArgumentException"/>.</param>
    /// <param name="nameOf">Returns a program's name of an option; null to keep the property's name.</param>
    public static string Rename(Exception exception, Func<string, string?> nameOf)
    {
        ArgumentNullException.ThrowIfNull(nameOf);
        if (Of(exception) is { } message)
            return message.ToString(nameOf);
        int suffix = exception is ArgumentException { ParamName: { } parameter }
            ? exception.Message.LastIndexOf($" (Parameter '{parameter}')", StringComparison.Ordinal) : -1;
        return suffix < 0 ? exception.Message : exception.Message[..suffix];
    }

    /// <summary>The text, with the names of properties.</summary>
    public override string ToString() => ToString(_ => null);

    private string ToString(Func<string, string?> nameOf) =>
        string.Concat(_parts.Select(part => part is OptionName name ? nameOf(name.Property) ?? name.Property : (string)part));
}

/// <summary>The name of an option in an <see cref="OptionMessage"/>.</summary>
/// <param name="Property">The property's name, after that of the property which holds it, as in <c>Writeback.Path</c>.</param>
public readonly record struct OptionName(string Property)
{
    /// <summary>The property's name.</summary>
    public override string ToString() => Property;
}
